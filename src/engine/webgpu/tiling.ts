/**
 * Which tiles matrix products are computed by on a device, measured there. A sum of slices is rounded by its slices, so a run keeps
 * the tiling that it began with.
 */
import { adapterWords, type Adapter, type Tiling } from '#shared/domain/runs/adapter.ts';
import type { Gpu } from './device.ts';
import { inputProduct, product, weightProduct } from './gemm.ts';
import type { Pipelines } from './kernel.ts';
import { Memory } from './memory.ts';
import { encode, Program } from './program.ts';
import { rowsOf } from './rows.ts';
import { DEFAULT_TILING, shapeOf, TILE_SHAPES } from './tile-shapes.ts';
import { UNIFORM_BYTES, Uniforms } from './uniforms.ts';

/** Tilings of devices, by `adapterWords`. */
export type Tilings = Readonly<Record<string, Tiling>>;

/** A Linear whose products have few or many tiles: B rows, K inputs, N outputs. */
const LINEARS = {
  few: { B: 32, K: 768, N: 768 },
  many: { B: 2048, K: 768, N: 1024 },
} as const;
const SECONDS = 1;
const MIN_ROUNDS = 3;
/** A shape that is faster than the default by less than this is noise. */
const MARGIN = 0.05;

/** The tiling in `known` that was measured on this device, else a new measurement. */
export async function tilingFor(adapter: Adapter, known: Tilings, measure: () => Promise<Tiling>): Promise<Tiling> {
  const { few, many } = known[adapterWords(adapter)] ?? {};
  return few && many && shapeOf(few) && shapeOf(many) ? { few, many } : measure();
}

/** Takes about two seconds, most of the first for compiling. */
export async function measureTiling(gpu: Gpu, pipelines: Pipelines, seconds = SECONDS): Promise<Tiling> {
  const few = await fastest(gpu, pipelines, 'few', seconds / 2);
  return { few, many: await fastest(gpu, pipelines, 'many', seconds / 2) };
}

async function fastest(gpu: Gpu, pipelines: Pipelines, use: keyof Tiling, seconds: number): Promise<string> {
  const memory = new Memory(gpu);
  const names = Object.keys(TILE_SHAPES);
  try {
    const runs = linearPrograms(gpu, pipelines, memory, use, names);
    for (const run of runs) await run();
    const least = names.map(() => Infinity);
    const startMs = performance.now();
    for (let round = 0; round < MIN_ROUNDS || performance.now() - startMs < seconds * 1000; round++) {
      for (const [i, run] of runs.entries()) least[i] = Math.min(least[i], await run());
    }
    return bestShape(Object.fromEntries(names.map((name, i) => [name, least[i]])), DEFAULT_TILING[use]);
  } finally {
    memory.dispose();
  }
}

/** The name with the least time; `usual` where it is within MARGIN of it. */
export function bestShape(times: Readonly<Record<string, number>>, usual: string): string {
  const [name, time] = Object.entries(times).reduce((a, b) => (b[1] < a[1] ? b : a));
  return time < (1 - MARGIN) * times[usual] ? name : usual;
}

/** For each shape, runs the products of a Linear and gives the milliseconds until the device has done them. */
function linearPrograms(
  gpu: Gpu,
  pipelines: Pipelines,
  memory: Memory,
  use: keyof Tiling,
  names: readonly string[],
): (() => Promise<number>)[] {
  const { B, K, N } = LINEARS[use];
  const uniforms = new Uniforms();
  uniforms.setBatch(B);
  const uniformBuffer = memory.uniform('uniforms', UNIFORM_BYTES);
  gpu.writeBuffer(uniformBuffer, 0, new Uint32Array(uniforms.bytes));
  const [x, y] = [rowsOf(memory.tensor('x', B * K), K), rowsOf(memory.tensor('y', B * N), N)];
  const [weight, dweight] = [memory.tensor('w', N * K), memory.tensor('dw', N * K)];
  return names.map((name) => {
    const program = new Program(gpu, pipelines, uniformBuffer, { tiling: { few: name, many: name } });
    product(program, 'outputs', { x, weight, out: y });
    inputProduct(program, 'input gradient', { dy: y, weight, dx: x });
    // Its tiles do not become fewer with the batch.
    if (use === 'many') weightProduct(program, 'weight gradient', { dy: y, x, dweight });
    return async () => {
      const startMs = performance.now();
      gpu.device.queue.submit([encode(gpu, [program], B).finish()]);
      await gpu.answer(gpu.device.queue.onSubmittedWorkDone());
      return performance.now() - startMs;
    };
  });
}
