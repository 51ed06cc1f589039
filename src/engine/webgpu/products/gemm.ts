/**
 * The three matrix products of a Linear: outputs, input gradient, weight gradient. x [B·R][K] inputs, w [N][K] weights,
 * y [B·R][N] outputs.
 */
import type { Groups, Work } from '../kernel.ts';
import type { Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { isVectorised, rowCount, rowsOf, rowStart, type Rows } from '../rows.ts';
import { PLAIN_COLUMNS, plainKernel } from './plain-product.ts';
import { TILE_SHAPES, type TileShape } from './tile-shapes.ts';
import { tileKernel, type Operand, type TileProduct } from './tiles.ts';

/** With fewer tiles of 64 × 64 than this, a GPU's cores are better used by small ones. */
const ENOUGH_TILES = 96;

/** A weight [N][K] of the bank, or rows of the batch in its place (N = B·R). */
export type Weight = Tensor | Rows;

/** Where w is columns [offset, offset + K) of a matrix of `stride` columns. */
export interface WeightColumns {
  readonly offset: number;
  readonly stride: number;
}

interface WeightMatrix {
  readonly rows: Rows;
  /** N: the given one, or rows of the batch as a WGSL expression. */
  readonly count: string;
  readonly ofBatch: boolean;
}

function weightMatrix(weight: Weight, N: number, K: number, columns?: WeightColumns): WeightMatrix {
  if ('tensor' in weight) return { rows: weight, count: rowCount(weight), ofBatch: true };
  const { offset = 0, stride = K } = columns ?? {};
  return { rows: rowsOf(weight, K, 1, { offset, itemStride: stride }), count: `${N}u`, ofBatch: false };
}

/** `columns`: the extent where it is not that of the rows; then 4 values at a time would read beyond. */
function operand(rows: Rows, count: string, contiguous: Operand['contiguous'], columns?: string): Operand {
  return {
    contiguous,
    rows: count,
    columns: columns ?? `${rows.columns}u`,
    start: (row) => rowStart(rows, row),
    vectorised: columns === undefined && isVectorised(rows),
  };
}

function output(rows: Rows, accumulate: boolean, isDynamic = false): TileProduct['out'] {
  return { start: (row) => rowStart(rows, row), vectorised: !isDynamic && isVectorised(rows), accumulate };
}

function tiles(M: number, N: number, { rows, columns }: TileShape): Groups {
  return [Math.ceil(M / rows), Math.ceil(N / columns)];
}

function hasMany(M: number, N: number): boolean {
  return Math.ceil(M / 64) * Math.ceil(N / 64) >= ENOUGH_TILES;
}

type Extents = readonly [M: number, N: number, K: number];

/** Both operands and the bias are read and the output is written; it is read too where it accumulates. */
function workOf([M, N, K]: Extents, { out, bias }: Pick<TileProduct, 'out' | 'bias'>): Work {
  const values = M * K + K * N + (out.accumulate ? 2 : 1) * M * N + { none: 0, added: N, summed: M }[bias];
  return { flop: 2 * M * N * K, bytes: 4 * values };
}

/** Adds a product whose extents may depend on B: a kernel for each shape of tiles, of which one runs. */
function addProduct(
  program: Program,
  product: Omit<TileProduct, 'shape'>,
  tensors: Readonly<Record<string, Tensor>>,
  extents: (B: number) => Extents,
): void {
  const work = (B: number) => workOf(extents(B), product);
  const { tiling } = program;
  if (!tiling) {
    program.add({ ...plainKernel(product), work }, tensors, (B) => {
      const [M, N] = extents(B);
      return [M, Math.ceil(N / PLAIN_COLUMNS)];
    });
    return;
  }
  for (const use of ['few', 'many'] as const) {
    const shape = TILE_SHAPES[tiling[use]];
    program.add({ ...tileKernel({ ...product, shape }), work }, tensors, (B) => {
      const [M, N] = extents(B);
      return hasMany(M, N) === (use === 'many') ? tiles(M, N, shape) : null;
    });
  }
}

interface ForwardProduct {
  readonly x: Rows;
  readonly weight: Weight;
  readonly columns?: WeightColumns;
  readonly bias?: Tensor;
  /** First element of the bias. */
  readonly biasOffset?: number;
  readonly out: Rows;
  readonly accumulate?: boolean;
}

/** out[r, n] = Σ_k x[r, k]·w[n, k] + bias[n], added to what is there where `accumulate`. */
export function product(program: Program, label: string, forward: ForwardProduct): void {
  const { x, weight, columns, bias, biasOffset = 0, out, accumulate = false } = forward;
  const w = weightMatrix(weight, out.columns, x.columns, columns);
  const kernel = {
    label,
    M: rowCount(x),
    N: w.count,
    K: `${x.columns}u`,
    a: operand(x, rowCount(x), 'sum'),
    b: operand(w.rows, w.count, 'sum'),
    out: output(out, accumulate, w.ofBatch),
    bias: bias ? ('added' as const) : ('none' as const),
    biasOffset,
  };
  const tensors = { a: x.tensor, b: w.rows.tensor, out: out.tensor, ...(bias && { bias }) };
  addProduct(program, kernel, tensors, (B) => [B * x.R, w.ofBatch ? B * w.rows.R : out.columns, x.columns]);
}

interface InputProduct {
  readonly dy: Rows;
  readonly weight: Weight;
  readonly columns?: WeightColumns;
  readonly dx: Rows;
  readonly accumulate?: boolean;
}

/** dx[r, k] = Σ_n dy[r, n]·w[n, k], added to what is there where `accumulate`. */
export function inputProduct(program: Program, label: string, backward: InputProduct): void {
  const { dy, weight, columns, dx, accumulate = false } = backward;
  const w = weightMatrix(weight, dy.columns, dx.columns, columns);
  const kernel = {
    label,
    M: rowCount(dy),
    N: `${dx.columns}u`,
    K: w.count,
    a: operand(dy, rowCount(dy), 'sum', w.ofBatch ? w.count : undefined),
    b: operand(w.rows, w.count, 'output'),
    out: output(dx, accumulate),
    bias: 'none' as const,
    biasOffset: 0,
  };
  const tensors = { a: dy.tensor, b: w.rows.tensor, out: dx.tensor };
  addProduct(program, kernel, tensors, (B) => [B * dy.R, dx.columns, w.ofBatch ? B * w.rows.R : dy.columns]);
}

interface WeightProduct {
  readonly dy: Rows;
  readonly x: Rows;
  readonly dweight: Tensor;
  readonly columns?: WeightColumns;
  readonly dbias?: Tensor;
  /** First element of the bias. */
  readonly biasOffset?: number;
}

/** dw[n, k] = Σ_r dy[r, n]·x[r, k] and dbias[n] = Σ_r dy[r, n]. */
export function weightProduct(program: Program, label: string, backward: WeightProduct): void {
  const { dy, x, dweight, columns, dbias, biasOffset = 0 } = backward;
  const { offset = 0, stride = x.columns } = columns ?? {};
  const dw = rowsOf(dweight, x.columns, 1, { offset, itemStride: stride });
  const kernel = {
    label,
    M: `${dy.columns}u`,
    N: `${x.columns}u`,
    K: rowCount(dy),
    a: operand(dy, rowCount(dy), 'output'),
    b: operand(x, rowCount(x), 'output'),
    out: output(dw, false),
    bias: dbias ? ('summed' as const) : ('none' as const),
    biasOffset,
  };
  const tensors = { a: dy.tensor, b: x.tensor, out: dweight, ...(dbias && { bias: dbias }) };
  addProduct(program, kernel, tensors, (B) => [dy.columns, x.columns, B * x.R]);
}
