/**
 * Training on a GPU in one call: rows per second of the webgpu engine and, where Python has CUDA or MPS, of PyTorch, for
 * each model and batch; dispatches, bytes moved and FLOP of a step, beside the least time they take on known devices.
 * Writes JSON and prints a table.
 *
 *   node bench/gpu.ts [--models amn,lstm,gru,transformer] [--batches 32,256,2048] [--seconds 2] [--rounds 3]
 *     [--budget 520] [--python python3] [--count] [--out bench/results/gpu.json]
 *
 * --budget: seconds after which nothing new is measured. --count: count a step's work and run none.
 */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { defaultGradientSpec, GRADIENT_TYPES, type GradientType } from '#shared/domain/models/models.ts';
import { adapterWords, type Tiling } from '#shared/domain/runs/adapter.ts';
import { Gpu } from '#engine/webgpu/device/device.ts';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { DEVICES, countStep, floorSeconds, type StepWork } from './support/gpu-work.ts';
import { runTorch, torchDevice, torchModes, type TorchMode } from './support/torch-gpu.ts';
import { benchModel, D, LOSS, Loop, syntheticSource, T } from './support/training-loop.ts';

const { values: flags } = parseArgs({
  options: {
    models: { type: 'string', default: GRADIENT_TYPES.join(',') },
    batches: { type: 'string', default: '32,256,2048' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    budget: { type: 'string', default: '520' },
    python: { type: 'string', default: 'python3' },
    /** PyTorch on the CPU, to try this program where there is no GPU. */
    cpu: { type: 'boolean', default: false },
    count: { type: 'boolean', default: false },
    out: { type: 'string', default: '' },
  },
});
const models = z.array(z.enum(GRADIENT_TYPES)).parse(flags.models.split(','));
const batches = z.array(z.coerce.number().int().positive()).parse(flags.batches.split(','));
const seconds = Number(flags.seconds);
const start = performance.now();
/** Of a share of the budget. */
const secondsLeft = (share = 1) => share * Number(flags.budget) - (performance.now() - start) / 1000;
/** PyTorch has the rest. */
const WEBGPU_SHARE = 0.5;

/** Rows per second of each round, or why there are none. */
type Measured = { readonly rowsPerSecond: readonly number[] } | { readonly notRun: string };

interface Row {
  readonly model: GradientType;
  readonly batch: number;
  readonly work: StepWork;
  webgpu: Measured;
  readonly torch: Partial<Record<TorchMode, Measured>>;
}

const NO_TIME: Measured = { notRun: 'time budget spent' };
const source = syntheticSource();
/** Measured by the first engine. */
const tilings: Record<string, Tiling> = {};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** On a device of its own: one that ran out of memory is lost. */
async function measureWebgpu(model: GradientType, batch: number): Promise<Measured> {
  if (secondsLeft(WEBGPU_SHARE) < seconds) return NO_TIME;
  const engine = await createWebgpuEngine({}, { tilings });
  if (engine.info.tiling) tilings[adapterWords(adapter)] = engine.info.tiling;
  try {
    const trained = await benchModel(engine, batch, model);
    const { stepsAhead = 0 } = trained;
    const loop = new Loop(trained, source, batch);
    await loop.step();
    await loop.measureAhead(seconds / 4, stepsAhead);
    const rowsPerSecond: number[] = [];
    for (let round = 0; round < Number(flags.rounds) && secondsLeft(WEBGPU_SHARE) > seconds; round++) {
      rowsPerSecond.push(await loop.measureAhead(seconds, stepsAhead));
    }
    return rowsPerSecond.length > 0 ? { rowsPerSecond } : NO_TIME;
  } catch (error) {
    return { notRun: messageOf(error) };
  } finally {
    await engine.dispose();
  }
}

async function measureTorch(rows: readonly Row[]): Promise<string> {
  const found = torchDevice(flags.python);
  if (!found) return 'no PyTorch';
  if (found === 'cpu' && !flags.cpu) return 'PyTorch without CUDA or MPS';
  for (const mode of torchModes(found)) {
    for (const model of models) {
      const run = { python: flags.python, device: found, mode, model, batches, seconds };
      const results = secondsLeft() > 0 ? await runTorch(run, secondsLeft()) : [];
      for (const row of rows.filter((each) => each.model === model)) {
        const result = results.find(({ batch }) => batch === row.batch);
        if (result?.rowsPerSecond) row.torch[mode] = { rowsPerSecond: [result.rowsPerSecond] };
        else row.torch[mode] = result?.error ? { notRun: result.error } : NO_TIME;
      }
    }
  }
  return found;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function rate(measured: Measured | undefined): string {
  if (!measured || 'notRun' in measured) return 'not run';
  return middle(measured.rowsPerSecond).toFixed(0);
}

function cells({ model, batch, work, webgpu, torch }: Row, torchColumns: readonly TorchMode[]): string[] {
  const floors = DEVICES.map((device) => `${(1000 * floorSeconds(work, device)).toFixed(3)} ms`);
  const counts = [String(work.dispatches), (work.bytes / 1e6).toFixed(1), (work.flop / 1e9).toFixed(2)];
  return [model, String(batch), ...counts, ...floors, rate(webgpu), ...torchColumns.map((mode) => rate(torch[mode]))];
}

async function countSteps(gpu: Gpu): Promise<Row[]> {
  const counted: Row[] = [];
  for (const model of models) {
    for (const batch of batches) {
      const work = await countStep(gpu, model, batch);
      counted.push({ model, batch, work, webgpu: { notRun: 'counted only' }, torch: {} });
    }
  }
  return counted;
}

const gpu = await Gpu.open();
const { adapter } = gpu;
const rows = await countSteps(gpu);
gpu.destroy();
let torch = 'counted only';
if (!flags.count) {
  for (const row of rows) row.webgpu = await measureWebgpu(row.model, row.batch);
  torch = await measureTorch(rows);
}

const torchColumns = torch === 'cuda' || torch === 'mps' || torch === 'cpu' ? torchModes(torch) : [];
const head = [
  'model',
  'batch',
  'dispatches',
  'MB',
  'GFLOP',
  ...DEVICES.map(({ name }) => `floor ${name}`),
  'webgpu rows/s',
];
const table = [[...head, ...torchColumns.map((mode) => `PyTorch ${mode}`)], head.map(() => '---')];
for (const line of [...table, ...rows.map((row) => cells(row, torchColumns))]) console.log(`| ${line.join(' | ')} |`);
console.log(`adapter: ${adapter.description || adapter.device}; PyTorch: ${torch}`);
const result = {
  date: new Date().toISOString(),
  command: `node bench/gpu.ts ${process.argv.slice(2).join(' ')}`,
  machine: { cpu: cpus()[0].model, cores: cpus().length, memoryBytes: totalmem() },
  node: process.version,
  adapter,
  tilings,
  torch,
  workload: { specs: models.map((type) => defaultGradientSpec(type, T, D)), loss: LOSS },
  seconds,
  rows,
};
if (flags.out) writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
