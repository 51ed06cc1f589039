/**
 * Which tiles matrix products are computed by on a device, measured there. A sum of slices is rounded by its slices, so a run keeps
 * the tiling that it began with.
 */
import { adapterWords, type Adapter, type Tiling } from '#shared/domain/runs/adapter.ts';
import type { Gpu } from '../device/device.ts';
import { inputProduct, product, weightProduct } from './gemm.ts';
import type { Pipelines } from '../kernel.ts';
import { Memory } from '../device/memory.ts';
import { encode, Program } from '../program.ts';
import { rowsOf } from '../rows.ts';
import { DEFAULT_TILING, shapeOf, TILE_SHAPES } from './tile-shapes.ts';
import { UNIFORM_BYTES, Uniforms } from '../uniforms.ts';

/** Tilings of devices, by `adapterWords`. */
export type Tilings = Readonly<Record<string, Tiling>>;

/**
 * A Linear whose products have few or many tiles: B rows, K inputs, N outputs. Its products are computed `repeats` times in one
 * submission, since the wait for one takes at least 0.1 ms, more than a GPU needs for the products of few tiles.
 */
const LINEARS = {
  few: { B: 32, K: 768, N: 768, repeats: 64 },
  many: { B: 2048, K: 768, N: 1024, repeats: 4 },
} as const;
const SECONDS_PER_USE = 0.5;
const MIN_ROUNDS = 3;
/** A shape that is faster than the default by less than this is noise. */
const MARGIN = 0.05;

/** The tiling in `known` that was measured on this device, else a new measurement. */
export async function tilingFor(adapter: Adapter, known: Tilings, measure: () => Promise<Tiling>): Promise<Tiling> {
  const { few, many } = known[adapterWords(adapter)] ?? {};
  return few && many && shapeOf(few) && shapeOf(many) ? { few, many } : measure();
}

/** Takes at least a second, beside the time to compile the kernels. */
export async function measureTiling(gpu: Gpu, pipelines: Pipelines): Promise<Tiling> {
  const few = await fastest(gpu, pipelines, 'few');
  return { few, many: await fastest(gpu, pipelines, 'many') };
}

async function fastest(gpu: Gpu, pipelines: Pipelines, use: keyof Tiling): Promise<string> {
  const memory = new Memory(gpu);
  const { B, repeats } = LINEARS[use];
  const time = async (program: Program): Promise<number> => {
    const startMs = performance.now();
    const programs = Array.from({ length: repeats }, () => program);
    gpu.device.queue.submit([encode(gpu, programs, B).finish()]);
    await gpu.answer(gpu.device.queue.onSubmittedWorkDone());
    return performance.now() - startMs;
  };
  try {
    const programs = Object.entries(linearPrograms(gpu, pipelines, memory, use));
    // The first time compiles.
    for (const [, program] of programs) await time(program);
    const least: Record<string, number> = {};
    const startMs = performance.now();
    for (let round = 0; round < MIN_ROUNDS || performance.now() - startMs < SECONDS_PER_USE * 1000; round++) {
      for (const [name, program] of programs) least[name] = Math.min(least[name] ?? Infinity, await time(program));
    }
    return bestShape(least, DEFAULT_TILING[use]);
  } finally {
    memory.dispose();
  }
}

/** The name with the least time; `usual` where it is within MARGIN of it. */
export function bestShape(times: Readonly<Record<string, number>>, usual: string): string {
  const [name, time] = Object.entries(times).reduce((a, b) => (b[1] < a[1] ? b : a));
  return time < (1 - MARGIN) * times[usual] ? name : usual;
}

/** The products of a Linear, by the shape of their tiles. */
function linearPrograms(gpu: Gpu, pipelines: Pipelines, memory: Memory, use: keyof Tiling): Record<string, Program> {
  const { B, K, N } = LINEARS[use];
  const uniforms = new Uniforms();
  uniforms.setBatch(B);
  const uniformBuffer = memory.uniform('uniforms', UNIFORM_BYTES);
  gpu.writeBuffer(uniformBuffer, 0, new Uint32Array(uniforms.bytes));
  const [x, y] = [rowsOf(memory.tensor('x', B * K), K), rowsOf(memory.tensor('y', B * N), N)];
  const [weight, dweight] = [memory.tensor('w', N * K), memory.tensor('dw', N * K)];
  const ofShape = (name: string): Program => {
    const program = new Program(gpu, pipelines, uniformBuffer, { tiling: { few: name, many: name } });
    product(program, 'outputs', { x, weight, out: y });
    inputProduct(program, 'input gradient', { dy: y, weight, dx: x });
    // Its tiles, those of the weight, are many for any batch.
    if (use === 'many') weightProduct(program, 'weight gradient', { dy: y, x, dweight });
    return program;
  };
  return Object.fromEntries(Object.keys(TILE_SHAPES).map((name) => [name, ofShape(name)]));
}
