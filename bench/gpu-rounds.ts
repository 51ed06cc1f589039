/**
 * Runs on the webgpu engine, interrupted again and again: by kill -9 of the trainer with every model, and by faults of the
 * GPU (lost, out of memory, a refused kernel, no answer), after each of which the first start finds no adapter. Every run must end in
 * the bytes of an undisturbed one. Works on the software adapter where there is no GPU. Prints one JSON line.
 * Usage: node bench/gpu-rounds.ts [--rounds 20] [--kills 5] [--seed N]
 */
import { parseArgs } from 'node:util';
import { provideAdapter } from '../scripts/software-adapter.mjs';
import { BREAKABLE, FAULT_KINDS, faultEnvironment, gpuFault } from '../tests/support/kill/gpu-faults.ts';
import { KILLED_MODELS, trainReference } from '../tests/support/kill/reference.ts';
import { killTrainer } from '../tests/support/kill/rounds.ts';
import { testHome } from '../tests/support/nextvec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    kills: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now()) },
  },
});
const [rounds, kills, seed] = [values.rounds, values.kills, values.seed].map(Number);
console.error(`seed ${seed}`);
await provideAdapter();
const startedMs = performance.now();
const report: Record<string, unknown> = { seed };
for (const model of KILLED_MODELS.filter((name) => name.startsWith('webgpu'))) {
  const home = await testHome({ entries: BREAKABLE });
  Object.assign(process.env, faultEnvironment(home));
  try {
    const reference = await trainReference(home, model);
    const options = { home, reference, seed, ...BREAKABLE };
    const killed = await killTrainer({ ...options, rounds: kills });
    const strikes = FAULT_KINDS.map((kind) => gpuFault(home, kind));
    const faults = model === 'webgpu-amn' ? await killTrainer({ ...options, rounds }, strikes) : null;
    report[model] = { steps: reference.steps, killed, faults };
    console.error(JSON.stringify(report[model]));
  } finally {
    await home.dispose();
  }
}
console.log(JSON.stringify({ ...report, seconds: Math.round((performance.now() - startedMs) / 1000) }));
