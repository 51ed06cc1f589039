/** Fragments of WGSL that kernels share. */
import { GROUP_INDEX_WGSL, grid, type Buffers, type Groups, type Kernel } from './kernel.ts';
import { rowCount } from './rows.ts';

/** Error function as in simd/assembly/math.ts: a rational approximation on [-3.8325, 3.8325]; GELU and its derivative. */
export const GELU_WGSL = `fn erf(a: f32) -> f32 {
  let x = clamp(a, -3.832506856900711, 3.832506856900711);
  let s = x * x;
  var p = 0.00022905065861350646;
  p = fma(p, s, 0.0034082910107109506);
  p = fma(p, s, 0.050955695062380861);
  p = fma(p, s, 0.18520832239976145);
  p = fma(p, s, 1.128379143519084);
  var q = -1.1791602954361697e-7;
  q = fma(q, s, 0.000023547966471313185);
  q = fma(q, s, 0.0010179625278914885);
  q = fma(q, s, 0.014070470171167667);
  q = fma(q, s, 0.11098505178285362);
  q = fma(q, s, 0.49746925110067538);
  q = fma(q, s, 1.0);
  return x * p / q;
}
fn gelu(x: f32) -> f32 { return fma(0.5 * x, erf(x * 0.70710678118654752), 0.5 * x); }
fn gelu_gradient(x: f32) -> f32 {
  let cdf = fma(0.5, erf(x * 0.70710678118654752), 0.5);
  return fma(x, exp(-0.5 * x * x) * 0.3989422804014327, cdf);
}
`;

export const ROW_THREADS = 128;

/** Threads of a workgroup that shares a row of F values: a power of two, not many more than there are values. */
export function threadsForRow(F: number): number {
  return Math.min(ROW_THREADS, Math.max(32, 2 ** Math.ceil(Math.log2(F))));
}

interface RowKernel<B extends Buffers> {
  readonly label: string;
  readonly buffers: B;
  /** Declarations of module scope. */
  readonly declarations?: string;
  /** Rows of each item of the batch; default: 1. */
  readonly R?: number;
  /** Default: ROW_THREADS. */
  readonly threads?: number;
  /** Statements that see the row `b` and the thread `lane` < `threads`. */
  readonly body: string;
}

/** A kernel with one workgroup for each row; run it on `grid(B * R)`. */
export function rowKernel<B extends Buffers>(kernel: RowKernel<B>): Kernel<B> {
  const { label, buffers, declarations = '', R = 1, threads = ROW_THREADS, body } = kernel;
  const code = `${GROUP_INDEX_WGSL}${declarations}
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let b = group_index(id, count);
  if (b >= ${rowCount({ R })}) { return; }
  ${body}
}
`;
  return { label, buffers, code };
}

interface ElementKernel<B extends Buffers> {
  readonly label: string;
  readonly buffers: B;
  readonly declarations?: string;
  /** Values of each row of the batch. */
  readonly columns: number;
  /** Statements that see the row `b` and the column `d`. */
  readonly body: string;
}

/** A kernel with one thread for each of `columns` values of each row; run it with the groups of `elementGroups`. */
export function elementKernel<B extends Buffers>(kernel: ElementKernel<B>): Kernel<B> {
  const { label, buffers, declarations = '', columns, body } = kernel;
  const code = `${GROUP_INDEX_WGSL}${declarations}
@compute @workgroup_size(${ROW_THREADS})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = group_index(id, count) * ${ROW_THREADS}u + lane;
  let b = at / ${columns}u;
  let d = at % ${columns}u;
  if (b >= u.B) { return; }
  ${body}
}
`;
  return { label, buffers, code };
}

export function elementGroups(columns: number): (B: number) => Groups {
  return (B) => grid(Math.ceil((B * columns) / ROW_THREADS));
}
