/**
 * Blocks of windows in the memory of the kernels: loading, unit length, the skip p and the products of all pairs.
 * R windows of a block, T context length, D width, L row length, S vectors of a row, the target last.
 */
import type { Program } from '../../simd/program.ts';
import { PairProducts, SkipRows, UnitVectors, WINDOW_UNIT_ROWS } from '../../simd/abi/gram.ts';
import type { GramMemory } from '../memory.ts';

/** Windows of a block: contexts [count, T, D] and, where they are known, targets [count, D]. */
export interface Windows {
  readonly contexts: Float32Array;
  readonly targets: Float32Array | null;
  readonly count: number;
}

export function windowUnits(count: number): number {
  return Math.ceil(count / WINDOW_UNIT_ROWS);
}

/** Writes windows as rows of `slots` vectors: x_1 … x_T first, the target last; each vector of unit length. */
export function loadWindows(memory: GramMemory, { contexts, targets, count }: Windows, slots: number): void {
  const { T, D } = memory.shape;
  const { L, rowBytes, vectors } = memory.plan;
  const to = memory.floats(vectors, count * slots * L);
  for (let row = 0; row < count; row++) {
    for (let t = 0; t < T; t++) {
      const from = (row * T + t) * D;
      to.set(contexts.subarray(from, from + D), (row * slots + t) * L);
    }
    const target = (row * slots + slots - 1) * L;
    if (targets) to.set(targets.subarray(row * D, (row + 1) * D), target);
    else to.fill(0, target, target + L);
  }
  memory.run((program) => {
    const rows = { pitch: slots * rowBytes, count, vectorBytes: rowBytes };
    const target = vectors + (slots - 1) * rowBytes;
    program.add('unit contexts', UnitVectors, windowUnits(count), { ...rows, rows: vectors, vectors: T });
    program.add('unit targets', UnitVectors, windowUnits(count), { ...rows, rows: target, vectors: 1 });
  });
}

/** p, x_T and e of the loaded windows into `features`; the position weights are in memory. */
export function addSkip(program: Program, { shape, plan }: GramMemory, count: number, slots: number): void {
  const { vectors, rowBytes, positionWeights, features } = plan;
  program.add('skip', SkipRows, windowUnits(count), {
    rows: vectors,
    pitch: slots * rowBytes,
    count,
    T: shape.T,
    vectorBytes: rowBytes,
    weights: positionWeights,
    target: (slots - 1) * rowBytes,
    out: features.at,
    outPitch: features.pitch,
  });
}

/** Products of all pairs of the S vectors of each row, upper triangle row by row: [count, S(S + 1)/2], valid until the next. */
export function pairProducts(memory: GramMemory, count: number, slots: number): Float32Array {
  const { vectors, rowBytes, products } = memory.plan;
  memory.run((program) =>
    program.add('pair products', PairProducts, windowUnits(count), {
      rows: vectors,
      pitch: slots * rowBytes,
      count,
      vectors: slots,
      vectorBytes: rowBytes,
      out: products,
    }),
  );
  return memory.floats(products, (count * slots * (slots + 1)) / 2);
}
