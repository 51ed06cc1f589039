/**
 * The whole training loop of a model, engines against PyTorch in interleaved rounds: sampling, shuffling, losses, gradient
 * shares, clipping, AdamW. Writes raw rounds as JSON and prints medians.
 *
 *   node bench/engine.ts --model amn --batch 32 [--rounds 5] [--seconds 1] [--python /usr/bin/python3] [--out bench/results/x.json]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { defaultGradientSpec, GRADIENT_TYPES } from '#shared/domain/models/models.ts';
import { createSimdEngine, SimdModel } from '#engine/simd/index.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import type { Engine, WindowSource } from '#engine/types.ts';
import { nodeEngineHost } from '../src/main/processes/engine-host.ts';
import { benchModel, D, LOSS, Loop, syntheticSource, T } from './support/training-loop.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'amn' },
    batch: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    python: { type: 'string', default: '' },
    /** Two threads of the first build and PyTorch only. */
    brief: { type: 'boolean', default: false },
    /** Two threads and one of the first build only: how it scales, round by round. */
    scaling: { type: 'boolean', default: false },
    tfjs: { type: 'boolean', default: false },
    out: { type: 'string', default: '' },
  },
});
const B = Number(flags.batch);
const type = z.enum(GRADIENT_TYPES).parse(flags.model);
const seconds = Number(flags.seconds);
const WARM_UP_SECONDS = 0.3;
/** Of a round: short rounds, which follow a machine whose speed swings, have a short one. */
const warmUpSeconds = Math.min(WARM_UP_SECONDS, seconds / 4);

/** One thing to measure: `run` is one round, in rows per second. */
interface Contender {
  readonly name: string;
  /** Of all rounds so far; empty where a round is a process of its own. */
  readonly stepMs: number[];
  run(): Promise<number>;
}

async function engineContender(name: string, engine: Engine, source: WindowSource): Promise<Contender> {
  const model = await benchModel(engine, B, type);
  const loop = new Loop(model, source, B);
  const stepMs: number[] = [];
  return {
    name,
    stepMs,
    async run() {
      await loop.measure(warmUpSeconds);
      return loop.measure(seconds, stepMs);
    },
  };
}

interface TorchSettings {
  readonly omp: string;
  readonly openblas: string;
  readonly torch: string;
}

function runTorch({ omp, openblas, torch }: TorchSettings, duration: number): number {
  const env = { ...process.env, OMP_NUM_THREADS: omp, OPENBLAS_NUM_THREADS: openblas };
  const args = ['bench/pytorch_training.py', type, String(B), String(duration), '--threads', torch];
  const out = execFileSync(flags.python, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const result = JSON.parse(out) as { rowsPerSecond: number } | { error: string };
  if ('error' in result) throw new Error(`PyTorch: ${result.error}`);
  return result.rowsPerSecond;
}

/** Every sensible mix of OpenMP, OpenBLAS and torch threads once; the fastest is the peer. */
function sweepTorch(): { settings: TorchSettings; rowsPerSecond: number }[] {
  const many = String(cpus().length);
  const combinations = [
    ['1', '1', '1'],
    ['1', many, '1'],
    [many, '1', many],
    [many, many, many],
    [many, many, '1'],
  ];
  return combinations
    .map(([omp, openblas, torch]) => ({ omp, openblas, torch }))
    .map((settings) => ({ settings, rowsPerSecond: runTorch(settings, 0.7 * seconds) }))
    .toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond);
}

/** What one step spends where, on two threads: median of each operation on thread 0, and the steps' own rate. */
async function phases(engine: Engine, source: WindowSource) {
  const model = await benchModel(engine, B, type);
  if (!(model instanceof SimdModel)) throw new Error('the simd engine made another model');
  const loop = new Loop(model, source, B);
  await loop.measure(WARM_UP_SECONDS);
  const samples = new Map<string, number[]>();
  const steps = type === 'amn' ? Math.max(15, Math.ceil(4000 / B)) : Math.max(3, Math.ceil(640 / B));
  for (let i = 0; i < steps; i++) {
    for (const { label, ms } of model.profile(loop.nextInput())) {
      const list = samples.get(label) ?? [];
      samples.set(label, list);
      list[i] = (list[i] ?? 0) + ms;
    }
  }
  model.dispose();
  return Object.fromEntries(Array.from(samples, ([label, list]) => [label, middle(list)]));
}

/** A step is short beside what disturbs a machine, so the quarter of the fastest tells of the machine left alone. */
function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.floor(q * sorted.length)];
  return { steps: sorted.length, fastestQuarter: at(0.25), median: at(0.5), slowestQuarter: at(0.75) };
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Memory that a model of this batch adds to the process, once it has trained. */
async function modelMemory(engine: Engine, source: WindowSource): Promise<number> {
  const before = process.memoryUsage().rss;
  const model = await benchModel(engine, B, type);
  await new Loop(model, source, B).measure(WARM_UP_SECONDS);
  const added = process.memoryUsage().rss - before;
  model.dispose();
  return added;
}

const host = nodeEngineHost(resolve('resources'));
const source = syntheticSource();
const simd = (threads: number, variant = 'auto', wide?: boolean) => createSimdEngine({ host, threads, variant, wide });
const memoryBytes = await modelMemory(await simd(2), source);
const contenders = [await engineContender('simd, 2 threads', await simd(2), source)];
if (!flags.brief) contenders.push(await engineContender('simd, 1 thread', await simd(1), source));
if (!flags.brief && !flags.scaling) {
  contenders.push(
    await engineContender('simd, 3 threads', await simd(3), source),
    await engineContender('simd with tiles of 6 × 8, 2 threads', await simd(2, 'auto', false), source),
    await engineContender('simd without relaxed SIMD, 2 threads', await simd(2, 'simd128'), source),
  );
}
if (flags.tfjs) contenders.push(await engineContender('tfjs wasm', await createTfjsEngine('wasm', host), source));
const sweep = flags.python ? sweepTorch() : [];
if (sweep.length > 0) {
  const { settings } = sweep[0];
  contenders.push({ name: 'PyTorch, best settings', stepMs: [], run: async () => runTorch(settings, seconds) });
}

const rounds: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const { name, run } of contenders) rounds[name].push(await run());
}

const result = {
  date: new Date().toISOString(),
  command: `node bench/engine.ts ${process.argv.slice(2).join(' ')}`,
  machine: { cpu: cpus()[0].model, cores: cpus().length, memoryBytes: totalmem(), load: loadavg() },
  node: process.version,
  v8: process.versions.v8,
  workload: { model: type, spec: defaultGradientSpec(type, T, D), batch: B, loss: LOSS },
  seconds,
  rowsPerSecond: rounds,
  medians: Object.fromEntries(Object.entries(rounds).map(([name, values]) => [name, middle(values)])),
  stepMs: Object.fromEntries(contenders.map(({ name, stepMs }) => [name, quantiles(stepMs)])),
  torchSweep: sweep,
  modelMemoryBytes: memoryBytes,
  phasesMs: await phases(await simd(2), source),
};
for (const [name, values] of Object.entries(rounds)) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  console.log(`${middle(values).toFixed(0).padStart(7)} rows/s  ${name}  (${low.toFixed(0)}–${high.toFixed(0)})`);
}
const two = rounds['simd, 2 threads'];
const ratios = (rounds['simd, 1 thread'] ?? []).map((one, round) => two[round] / one);
if (ratios.length > 0) {
  const [both, one] = ['simd, 2 threads', 'simd, 1 thread'].map((name) => result.stepMs[name]);
  console.log(
    `two threads over one: median of rounds ${middle(ratios).toFixed(2)}, median step ` +
      `${(one.median / both.median).toFixed(2)}, quarter of the fastest ${(one.fastestQuarter / both.fastestQuarter).toFixed(2)}`,
  );
}
console.log(`a model of batch ${B} adds ${(memoryBytes / 1e6).toFixed(0)} MB`);
if (flags.out) writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
