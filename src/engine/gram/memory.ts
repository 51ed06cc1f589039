/**
 * Memory and threads of a Gram mixture: where everything lies, and `run`, which executes kernel operations on all threads.
 * R windows of a block, T context length, D width, L = D rounded up to 24 (row length), K parts.
 */
import type { Mixture } from '#shared/domain/models/gram.ts';
import { openMemory, type SimdRuntime } from '../simd/runtime/runtime.ts';
import {
  Arena,
  BLOCK_OUTPUTS,
  DOUBLE_BYTES,
  FLOAT_BYTES,
  PANEL_ROWS,
  paddedFeatures,
  panelCount,
  roundUp,
} from '../simd/layout.ts';
import { CONTROL_BYTES, OP_BYTES } from '../simd/abi/control.ts';
import { NEAREST_CHUNK, NEAREST_PANELS } from '../simd/abi/gram.ts';
import type { ThreadPool } from '../simd/runtime/pool.ts';
import type { GramDevice, GramDeviceFactory } from './device.ts';
import { Program } from '../simd/program.ts';

/** Windows of a block, R: whole strips of twelve keys and pairs of strips of eight queries. */
export const BLOCK_WINDOWS = 480;
const MAX_OPS = 64;
/** Two tiles and the similarities of one unit of a search. */
const SCRATCH_BYTES = 1024 + NEAREST_PANELS * PANEL_ROWS * NEAREST_CHUNK * FLOAT_BYTES;

export interface GramShape {
  readonly T: number;
  readonly D: number;
  /** Parts. */
  readonly K: number;
  /** Ridges on p and on [p, x_T]. */
  readonly ridges: number;
  readonly pooledRidges: number;
  readonly filters: number;
  readonly maxKeys: number;
  /** Neighbours in a list. */
  readonly neighbours: number;
}

/** Rows or strips `pitch` bytes apart. */
export interface Region {
  readonly at: number;
  readonly pitch: number;
}

/** `windows`: training windows, or keys of a trained mixture. */
export function gramShape(
  { ridges, pooledRidges, filters, neighbours, maxKeys }: Mixture & { readonly maxKeys: number },
  { T, D, K, windows }: { readonly T: number; readonly D: number; readonly K: number; readonly windows: number },
): GramShape {
  return {
    T,
    D,
    K,
    ridges: ridges.length,
    pooledRidges: pooledRidges.length,
    filters: filters.length,
    maxKeys: neighbours.length > 0 ? Math.min(maxKeys, windows) : 0,
    neighbours: Math.max(0, ...neighbours.map(({ count }) => count)),
  };
}

export type GramPlan = ReturnType<typeof place>;

function place(shape: GramShape, threads: number) {
  const R = BLOCK_WINDOWS;
  const L = paddedFeatures(shape.D);
  const rowBytes = L * FLOAT_BYTES;
  /** 3L, whole pairs of strips. */
  const sumColumns = roundUp(3 * L, 2 * PANEL_ROWS);
  const arena = new Arena();
  const rows = (count: number, bytes: number): Region => ({ at: arena.bytes(count * bytes), pitch: bytes });
  /** Strips of `lanes` columns or rows, each with `depth` places. */
  const strips = (columns: number, depth: number, lanes: number) =>
    rows(Math.ceil(columns / lanes), depth * lanes * FLOAT_BYTES);
  return {
    L,
    rowBytes,
    sumColumns,
    control: arena.bytes(CONTROL_BYTES),
    program: arena.bytes(MAX_OPS * OP_BYTES),
    scratch: Array.from({ length: threads }, () => arena.bytes(SCRATCH_BYTES)),
    /** Windows [R][T + 1][L] or parts and target [R][K + 1][L], one after another. */
    vectors: arena.bytes(R * (shape.K + 1) * rowBytes),
    /** [R][p | x_T | e], three vectors of L: what the ridges are fitted on. */
    features: rows(R, 3 * rowBytes),
    /** p and x_T with their columns in twelve lanes, p, x_T and e with theirs in eight: operands of the sums. */
    columns12: strips(2 * L, R, 12),
    columns8: strips(sumColumns, R, 8),
    /** Σ [p, x_T]ᵀ[p, x_T, e] of float64 [2L][sumColumns], on and above the diagonal. */
    sums: rows(2 * L, sumColumns * DOUBLE_BYTES),
    /** Augmented matrix of a Cholesky solution, float64 [at most 2L + L][at most 2L]. */
    system: arena.bytes(3 * L * 2 * L * DOUBLE_BYTES),
    /** [p | x_T] with eight windows in the lanes. */
    inputs: strips(R, 2 * L, PANEL_ROWS),
    /** Maps with twelve outputs in the lanes, of p or of [p, x_T]. */
    ridges: Array.from({ length: shape.ridges }, () => strips(L, L, BLOCK_OUTPUTS)),
    pooledRidges: Array.from({ length: shape.pooledRidges }, () => strips(L, 2 * L, BLOCK_OUTPUTS)),
    filters: Array.from({ length: shape.filters }, () => strips(L, L, BLOCK_OUTPUTS)),
    positionWeights: arena.floats(shape.T),
    mean: arena.bytes(rowBytes),
    /** Keys of the block's windows as rows and, eight in the lanes, as queries. */
    blockKeys: rows(R, rowBytes),
    queries: strips(R, L, PANEL_ROWS),
    /** Kept keys, twelve in the lanes, and the targets that belong to them. */
    keys: strips(shape.maxKeys, L, BLOCK_OUTPUTS),
    values: rows(shape.maxKeys, rowBytes),
    /** Lists of the nearest keys [R][neighbours]. */
    similarities: arena.floats(R * shape.neighbours),
    neighbours: arena.floats(R * shape.neighbours),
    /** Products of all pairs of a row's vectors [R][(K + 1)(K + 2)/2]. */
    products: arena.floats((R * (shape.K + 1) * (shape.K + 2)) / 2),
    pages: arena.pages,
  };
}

interface OpenMemory {
  readonly memory: WebAssembly.Memory;
  readonly pool: ThreadPool;
}

export class GramMemory {
  readonly shape: GramShape;
  readonly plan: GramPlan;
  /** Computes the large products of the fit; absent: the kernels do. */
  readonly device: GramDevice | undefined;
  private readonly memory: WebAssembly.Memory;
  private readonly pool: ThreadPool;

  private constructor(shape: GramShape, plan: GramPlan, { memory, pool }: OpenMemory, device?: GramDevice) {
    this.shape = shape;
    this.plan = plan;
    this.device = device;
    this.memory = memory;
    this.pool = pool;
  }

  static async open(runtime: SimdRuntime, shape: GramShape, openDevice?: GramDeviceFactory): Promise<GramMemory> {
    const plan = place(shape, runtime.maxThreads);
    // These kernels gather nothing.
    const gatherLayout = { T: 1, D: 1, rowBytes: FLOAT_BYTES, ids: [0, 0], contexts: [0, 0], targets: [0, 0] };
    const tooLarge = `the Gram mixture needs more than the 4 GiB a WebAssembly memory holds; keep fewer than ${shape.maxKeys} keys`;
    const opened = await openMemory(runtime, { ...plan, gatherLayout, maxBatch: 1 }, tooLarge);
    return new GramMemory(shape, plan, opened, openDevice?.({ L: plan.L, maxKeys: shape.maxKeys }));
  }

  /** Executes the operations that `emit` appends; returns when all threads are done. */
  run(emit: (program: Program) => void): void {
    const program = new Program(0, 0);
    emit(program);
    if (program.operations.length > MAX_OPS)
      throw new Error(`Gram mixture: ${program.operations.length} operations at once`);
    program.write(this.memory.buffer, this.plan.program);
    this.pool.run(this.plan.program, program.operations.length);
  }

  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count);
  }

  integers(at: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, count);
  }

  doubles(at: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, count);
  }

  async dispose(): Promise<void> {
    this.device?.dispose();
    await this.pool.dispose();
  }
}

/** Strips of twelve or eight rows. */
export function stripCount(rows: number, lanes: 8 | 12): number {
  return lanes === 8 ? panelCount(rows) : Math.ceil(rows / BLOCK_OUTPUTS);
}
