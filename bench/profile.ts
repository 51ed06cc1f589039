/** Where a simd training step goes: median time of every operation on thread 0. `node bench/profile.ts [batch] [threads] [variant] [seconds] [model]` */
import { resolve } from 'node:path';
import { z } from 'zod';
import { GRADIENT_TYPES } from '#shared/domain/models/models.ts';
import { createSimdEngine, SimdModel } from '#engine/simd/index.ts';
import { nodeEngineHost } from '../src/main/processes/engine-host.ts';
import { benchModel, Loop, syntheticSource } from './support/training-loop.ts';

const [batch = '32', threads = '2', variant = 'auto', seconds = '3', type = 'amn'] = process.argv.slice(2);
const B = Number(batch);
const engine = await createSimdEngine({
  host: nodeEngineHost(resolve('resources')),
  threads: Number(threads),
  variant,
});
const model = await benchModel(engine, B, z.enum(GRADIENT_TYPES).parse(type));
if (!(model instanceof SimdModel)) throw new Error('the simd engine made another model');
const loop = new Loop(model, syntheticSource(), B);
await loop.measure(1.5);
const rates: number[] = [];
for (let round = 0; round < 5; round++) rates.push(await loop.measure(Number(seconds) / 5));
rates.sort((a, b) => a - b);
console.log(`${engine.info.variant} threads ${threads} batch ${B}: ${rates.map((r) => r.toFixed(0)).join(' ')} rows/s`);
const STEPS = Math.max(5, Math.ceil((type === 'amn' ? 6400 : 1600) / B));
const samples = new Map<string, Float64Array>();
for (let i = 0; i < STEPS; i++) {
  for (const { label, ms } of model.profile(loop.nextInput())) {
    const list = samples.get(label) ?? new Float64Array(STEPS);
    samples.set(label, list);
    list[i] += ms;
  }
}
const totals = [0, 0];
console.log('  fastest   median');
for (const [label, list] of samples) {
  list.sort();
  const times = [list[0], list[STEPS >> 1]];
  times.forEach((ms, i) => (totals[i] += ms));
  console.log(`${times.map((ms) => ms.toFixed(3).padStart(9)).join('')} ms  ${label}`);
}
console.log(
  `${totals.map((ms) => ms.toFixed(3).padStart(9)).join('')} ms  sum; a step takes ${((1000 * B) / rates[2]).toFixed(2)} ms`,
);
await engine.dispose();
