/**
 * Ridge maps from the skip p (and x_T) to its residual e = y − p: W = (XᵀX + λI)⁻¹ Xᵀe with X = p or [p, x_T].
 * Products of a block are float32, sums over blocks and the Cholesky solution float64. D width, L row length.
 */
import {
  AddProduct,
  CHOLESKY_BLOCK,
  CholeskyDivide,
  CholeskyFactor,
  CholeskyUpdate,
  PackColumns,
  PRODUCT_UNIT_STRIPS,
  SubstituteBack,
} from '../../simd/abi/dense.ts';
import { DOUBLE_BYTES } from '../../simd/layout.ts';
import type { GramDevice } from '../device.ts';
import { addSkip, loadWindows, type Windows } from './blocks.ts';
import { stripCount, type GramMemory, type Region } from '../memory.ts';

/** Σ [p, x_T]ᵀ[p, x_T, e] over some windows, float64 [2L, sumColumns]; only on and above the diagonal. */
export type RidgeSums = Float64Array;

/** Sets the running sums to zero. */
export function clearRidgeSums(memory: GramMemory): void {
  runningSums(memory).fill(0);
}

/** A copy of the running sums. */
export function readRidgeSums(memory: GramMemory): RidgeSums {
  return runningSums(memory).slice();
}

function runningSums(memory: GramMemory): Float64Array {
  const { sums, sumColumns, L } = memory.plan;
  return memory.doubles(sums.at, 2 * L * sumColumns);
}

/** Adds a block of windows to the running sums; the position weights are in memory. `device` null: by the kernels. */
export async function addToRidgeSums(
  memory: GramMemory,
  windows: Windows,
  device: GramDevice | null = memory.device ?? null,
): Promise<void> {
  const { T } = memory.shape;
  const { L, features, columns12, columns8, sumColumns, sums } = memory.plan;
  const { count } = windows;
  loadWindows(memory, windows, T + 1);
  if (device) return addDeviceProducts(memory, device, count);
  const strips12 = stripCount(2 * L, 12);
  memory.run((program) => {
    addSkip(program, memory, count, T + 1);
    program.barrier();
    const columns = { rows: features.at, pitch: features.pitch, count };
    const to = (out: Region) => ({ out: out.at, outPitch: out.pitch });
    program.add('pack columns', PackColumns, strips12, { ...columns, lanes: 12, ...to(columns12) });
    program.add('pack columns', PackColumns, stripCount(3 * L, 8), { ...columns, lanes: 8, ...to(columns8) });
    program.barrier();
    program.add('add ridge sums', AddProduct, Math.ceil(strips12 / PRODUCT_UNIT_STRIPS), {
      a: columns12.at,
      aPitch: columns12.pitch,
      aStrips: strips12,
      b: columns8.at,
      bPitch: columns8.pitch,
      bStrips: stripCount(sumColumns, 8),
      K: count,
      ...to(sums),
    });
  });
}

async function addDeviceProducts(memory: GramMemory, device: GramDevice, count: number): Promise<void> {
  const { L, features, sumColumns } = memory.plan;
  memory.run((program) => addSkip(program, memory, count, memory.shape.T + 1));
  const products = await device.ridgeProducts(memory.floats(features.at, count * 3 * L), count);
  const sums = runningSums(memory);
  for (let k = 0; k < 2 * L; k++) {
    for (let d = k; d < 3 * L; d++) sums[k * sumColumns + d] += products[k * 3 * L + d];
  }
}

/**
 * The map of one ridge, row-major [D, inputs·D]: output d is Σ_k map[d, k]·X_k. `inputs` 1 is X = p, 2 is X = [p, x_T].
 * Throws a RangeError where the matrix is not positive definite.
 */
export function solveRidge(memory: GramMemory, sums: RidgeSums, inputs: 1 | 2, lambda: number): Float32Array {
  const { L, sumColumns } = memory.plan;
  const right = (d: number, k: number) => sums[k * sumColumns + 2 * L + d];
  return solveSystem(memory, sums, { inputs, lambda, right });
}

/**
 * Spectral filter (S + νI)⁻¹S of S = PᵀP, [D, D] and symmetric: directions in which p varies much pass, others fade.
 * `strength`: ν in units of the mean eigenvalue of S.
 */
export function solveFilter(memory: GramMemory, sums: RidgeSums, strength: number): Float32Array {
  const { L, sumColumns } = memory.plan;
  let trace = 0;
  for (let d = 0; d < L; d++) trace += sums[d * sumColumns + d];
  const right = (d: number, k: number) => sums[Math.min(d, k) * sumColumns + Math.max(d, k)];
  return solveSystem(memory, sums, { inputs: 1, lambda: (strength * trace) / memory.shape.D, right });
}

interface SystemSpec {
  readonly inputs: 1 | 2;
  readonly lambda: number;
  /** Right-hand side d at input k. */
  readonly right: (d: number, k: number) => number;
}

function solveSystem(memory: GramMemory, sums: RidgeSums, spec: SystemSpec): Float32Array {
  const { L, system } = memory.plan;
  const { inputs, lambda } = spec;
  const N = inputs * L;
  const matrix = memory.doubles(system, (N + L) * N);
  fillSystem(matrix, memory, sums, spec);
  const place = { matrix: system, pitch: N * DOUBLE_BYTES };
  const units = (from: number) => Math.ceil((N + L - from) / CHOLESKY_BLOCK);
  for (let first = 0; first < N; first += CHOLESKY_BLOCK) {
    const below = { ...place, rows: N + L, first };
    memory.run((program) => {
      if (first > 0) program.add('update', CholeskyUpdate, units(first), below);
      program.barrier();
      program.add('factor', CholeskyFactor, 1, { ...place, first });
      program.barrier();
      program.add('divide', CholeskyDivide, units(first + CHOLESKY_BLOCK), below);
    });
  }
  memory.run((program) => program.add('back', SubstituteBack, L / CHOLESKY_BLOCK, { ...place, N, M: L }));
  return readMap(matrix.subarray(N * N), inputs, memory.shape.D, L, lambda);
}

/** The augmented system [N + L, N] of cholesky.ts: XᵀX + λI in the lower triangle, then the right-hand sides. */
function fillSystem(
  matrix: Float64Array,
  { plan: { L, sumColumns } }: GramMemory,
  sums: RidgeSums,
  { inputs, lambda, right }: SystemSpec,
): void {
  const N = inputs * L;
  for (let i = 0; i < N; i++) {
    for (let j = 0; j <= i; j++) matrix[i * N + j] = sums[j * sumColumns + i];
    matrix[i * N + i] += lambda;
  }
  for (let k = 0; k < N; k++) {
    for (let d = 0; d < L; d++) matrix[(N + d) * N + k] = right(d, k);
  }
}

function readMap(solution: Float64Array, inputs: number, D: number, L: number, lambda: number): Float32Array {
  const N = inputs * L;
  const map = new Float32Array(D * inputs * D);
  for (let d = 0; d < D; d++) {
    for (let i = 0; i < inputs; i++) {
      map.set(solution.subarray(d * N + i * L, d * N + i * L + D), (d * inputs + i) * D);
    }
  }
  if (!map.every(Number.isFinite)) {
    throw new RangeError(
      `Gram mixture: the ridge with λ ${lambda} has no solution: its matrix is not positive definite. Check the vectors for NaN, or raise λ.`,
    );
  }
  return map;
}
