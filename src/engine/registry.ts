/**
 * Which engines this process can run, opening one by name, and choosing by measurement. Engines load on demand, so a
 * missing native library or an old machine costs nothing until asked for.
 */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type { LossConfig } from '#shared/domain/models/terms.ts';
import type { Tiling } from '#shared/domain/runs/adapter.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { initialParameters } from './init.ts';
import { Random } from './random.ts';
import {
  ENGINE_NAMES,
  type Engine,
  type EngineAvailability,
  type EngineHost,
  type EngineName,
  type OptimizerConfig,
  type TrainableModel,
  type WindowSource,
} from './types.ts';

export interface EngineOptions {
  /** Absent: as many as the host allows. Only `simd` heeds it. */
  readonly threads?: number;
  /** `simd` only: the most threads a model may be given later; default: `threads`. */
  readonly maxThreads?: number;
  /** `simd` only: the kernel build to take, for tests and benchmarks. */
  readonly variant?: string;
  /** `simd` only: multiply-adds to come, at most; default: many. */
  readonly work?: number;
  /** `webgpu` only, see `WebgpuOptions`. */
  readonly tilings?: Readonly<Record<string, Tiling>>;
}

/** The workload of a run; decides which engine is fastest. */
export interface Workload {
  readonly spec: GradientSpec;
  readonly loss: LossConfig;
  readonly optimizer: OptimizerConfig;
  readonly batchSize: number;
}

export interface Speed {
  readonly engine: EngineName;
  readonly threads: number;
  readonly variant: string;
  readonly batch: number;
  readonly rowsPerSecond: number;
  readonly msPerStep: number;
  /** Steps timed, after the warm-up. */
  readonly steps: number;
}

export interface EngineChoice {
  readonly engine: Engine;
  /** Empty when the engine was asked for by name. */
  readonly measured: readonly Speed[];
  /** Why this engine, in one sentence. */
  readonly note: string;
}

/** Availability of every engine, in order of preference. */
export async function engineAvailability(host: EngineHost): Promise<EngineAvailability[]> {
  const results: EngineAvailability[] = [];
  // One after another: tfjs has one current backend for the whole process.
  for (const name of ENGINE_NAMES) results.push(await availabilityOf(name, host));
  return results;
}

async function availabilityOf(name: EngineName, host: EngineHost): Promise<EngineAvailability> {
  if (name === 'simd') {
    try {
      const { simdAvailability } = await import('./simd/index.ts');
      return await simdAvailability(host);
    } catch (error) {
      return { name, available: false, reason: messageOf(error) };
    }
  }
  if (name === 'webgpu') {
    const { webgpuAvailability } = await import('./webgpu/index.ts');
    return webgpuAvailability(host);
  }
  const { loadBackend } = await import('./tfjs/index.ts');
  const reason = await loadBackend(name, host);
  return { name, available: reason === '', reason };
}

/** Opens an engine; rejects with what is missing and what to do. */
export async function openEngine(name: EngineName, host: EngineHost, options: EngineOptions = {}): Promise<Engine> {
  if (name === 'simd') {
    const { createSimdEngine } = await import('./simd/index.ts');
    return createSimdEngine({ host, ...options });
  }
  if (name === 'webgpu') {
    const { createWebgpuEngine } = await import('./webgpu/index.ts');
    return createWebgpuEngine(host, options);
  }
  const { createTfjsEngine } = await import('./tfjs/index.ts');
  return createTfjsEngine(name, host);
}

/** `--device` of a foreign command line only steers `auto`: which engines may use what it names. */
const ON_DEVICE: Readonly<Record<'cpu' | 'mps' | 'cuda', readonly EngineName[]>> = {
  cpu: ['simd', 'wasm', 'cpu'],
  mps: ['webgpu', 'simd', 'wasm', 'cpu'],
  cuda: ['tensorflow', 'webgpu', 'simd', 'wasm', 'cpu'],
};

/** Opens the engine asked for; for `auto` the fastest on this very workload. */
export async function chooseEngine(
  choice: EngineName | 'auto',
  host: EngineHost,
  workload: Workload,
  options: EngineOptions & { readonly device?: keyof typeof ON_DEVICE | null; readonly seconds?: number } = {},
): Promise<EngineChoice> {
  if (choice !== 'auto') {
    return { engine: await openEngine(choice, host, options), measured: [], note: `${choice}, as asked` };
  }
  const allowed = options.device ? ON_DEVICE[options.device] : ENGINE_NAMES;
  const available = await engineAvailability(host);
  const names = available
    .filter((engine) => engine.available && allowed.includes(engine.name) && !engine.adapter?.isSoftware)
    .map(({ name }) => name);
  // The plain JavaScript backend is never the fastest and one step of a large model takes it minutes.
  const candidates = names.filter((name) => name !== 'cpu');
  const { best, measured, failures } = await measureAll(candidates, host, workload, options);
  const without = failures.map((failure) => `; ${failure}`).join('');
  if (best) return { engine: best.engine, measured, note: `${describe(best.speed, measured)}${without}` };
  if (names.includes('cpu')) {
    return { engine: await openEngine('cpu', host), measured, note: `cpu, the only engine that runs here${without}` };
  }
  const reasons = available.map(({ name, reason }) => `${name}: ${reason || 'not for this device'}`);
  throw new Error(`No engine can run here. ${[...reasons, ...failures].join('; ')}`);
}

function describe({ engine, rowsPerSecond }: Speed, measured: readonly Speed[]): string {
  if (measured.length === 1) return `${engine}, the only fast engine here`;
  return `${engine}, the fastest here (${Math.round(rowsPerSecond)} rows/s)`;
}

interface Contest {
  readonly best: { readonly engine: Engine; readonly speed: Speed } | null;
  readonly measured: readonly Speed[];
  /** Engines that reported to be available and then failed to open or to train. */
  readonly failures: readonly string[];
}

/** Keeps the fastest open. One that fails to open or to train is left out and named. */
async function measureAll(
  candidates: readonly EngineName[],
  host: EngineHost,
  workload: Workload,
  options: EngineOptions & { readonly seconds?: number },
): Promise<Contest> {
  const measured: Speed[] = [];
  const failures: string[] = [];
  let best: Contest['best'] = null;
  for (const name of candidates) {
    let engine: Engine | null = null;
    try {
      engine = await openEngine(name, host, options);
      const speed = await measureSpeed(engine, workload, options.seconds ?? 1, best?.speed.msPerStep);
      measured.push(speed);
      if (best && best.speed.rowsPerSecond >= speed.rowsPerSecond) {
        await engine.dispose();
        continue;
      }
      await best?.engine.dispose();
      best = { engine, speed };
    } catch (error) {
      failures.push(`${name} failed: ${messageOf(error)}`);
      await engine?.dispose();
    }
  }
  return { best, measured, failures };
}

/** Share of the measuring time after which an engine that is far slower than the best is given up. */
const TRIAL_SHARE = 0.2;
/** Far slower: this many times the milliseconds of a step. */
const FAR_SLOWER = 2;

/**
 * Times training steps on random unit vectors for about `seconds`. `giveUpAboveMs`: milliseconds a step of the best engine so
 * far. An engine that takes longer for two rows, or is far slower in a short trial, is given up early.
 */
export async function measureSpeed(
  engine: Engine,
  workload: Workload,
  seconds = 1,
  giveUpAboveMs = Infinity,
): Promise<Speed> {
  const { spec, loss, optimizer, batchSize } = workload;
  const parameters = initialParameters(spec, 1);
  const model = await engine.createModel({ spec, loss, optimizer, seed: 1, parameters, maxBatch: batchSize });
  try {
    const source = randomSource(spec.T, spec.D, Math.max(batchSize, 2));
    // The first two differ where λ of InfoNCE is 0; an engine may compile kernels on both.
    for (const step of [1, 2]) await timeSteps(model, source, 2, step, 0);
    const small = await timeSteps(model, source, 2, 3, 0);
    if (small.msPerStep > giveUpAboveMs) return speedOf(engine, batchSize, small);
    // Kernels for a large batch may be others.
    if (model.stepsAhead) for (const step of [1, 2]) await timeSteps(model, source, batchSize, step, 0);
    const warmUp = await timeSteps(model, source, batchSize, 4, 0);
    if (warmUp.msPerStep >= seconds * 1000) return speedOf(engine, batchSize, warmUp);
    const trial = await timeSteps(model, source, batchSize, 5, seconds * TRIAL_SHARE);
    if (trial.msPerStep > FAR_SLOWER * giveUpAboveMs) return speedOf(engine, batchSize, trial);
    const rest = await timeSteps(model, source, batchSize, 5 + trial.steps, seconds * (1 - TRIAL_SHARE));
    return speedOf(engine, batchSize, rest);
  } finally {
    model.dispose();
  }
}

interface Timing {
  readonly msPerStep: number;
  readonly steps: number;
}

function speedOf({ info }: Engine, batch: number, { msPerStep, steps }: Timing): Speed {
  const { name: engine, threads, variant } = info;
  return { engine, threads, variant, batch, rowsPerSecond: (1000 * batch) / msPerStep, msPerStep, steps };
}

/** At least one step, then more until `seconds` have passed. */
async function timeSteps(
  model: TrainableModel,
  source: WindowSource,
  batchSize: number,
  firstStep: number,
  seconds: number,
): Promise<Timing> {
  const ids = Uint32Array.from({ length: batchSize }, (_, i) => i % source.windows);
  const stepsAhead = model.stepsAhead ?? 0;
  const pending: unknown[] = [];
  const startMs = performance.now();
  let steps = 0;
  do {
    pending.push(model.trainStep({ source, ids, lr: 1e-4, step: firstStep + steps }));
    if (pending.length > stepsAhead) await pending.shift();
    steps++;
  } while (performance.now() - startMs < seconds * 1000);
  await Promise.all(pending);
  return { msPerStep: (performance.now() - startMs) / steps, steps };
}

/** Speed does not depend on what the vectors hold; random unit vectors keep every number in its usual range. */
function randomSource(T: number, D: number, windows: number): WindowSource {
  const random = new Random(1);
  const vectors = Float32Array.from({ length: windows * (T + 1) * D }, () => random.normal() / Math.sqrt(D));
  return {
    windows,
    T,
    D,
    gather(ids, contexts, targets) {
      ids.forEach((id, row) => {
        const start = id * (T + 1) * D;
        contexts.set(vectors.subarray(start, start + T * D), row * T * D);
        targets.set(vectors.subarray(start + T * D, start + (T + 1) * D), row * D);
      });
    },
  };
}
