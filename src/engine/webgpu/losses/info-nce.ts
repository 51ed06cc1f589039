/**
 * InfoNCE = mean over the batch of the cross entropies of S = P·T̂ᵀ/τ against its diagonal, along rows plus along columns.
 * P [B][D] unit predictions, T̂ [B][D] unit targets. The products are of raw and targets themselves; their norms divide
 * where they are read.
 */
import type { InfoNceMode } from '../../losses/info-nce.ts';
import { inputProduct, product } from '../products/gemm.ts';
import { READ, WRITE, GROUP_INDEX_WGSL, grid, type Kernel } from '../kernel.ts';
import type { Program } from '../program.ts';
import { rowsOf } from '../rows.ts';
import { COLUMNS, COLUMN_THREADS, rowField, type LossSizes, type LossTensors } from './layout.ts';
import { combineFunction, maxFunction, sumFunction } from './reduce.ts';
import type { UnitTermCode, WeightedTerm } from './term.ts';

/** Of a workgroup. The rows of a small batch need no more threads than those of 4 columns. */
const columnsFor = ({ maxB }: LossSizes): number => (maxB <= 4 * COLUMN_THREADS ? 4 : COLUMNS);

/** `S[i, j]`. */
function logitFunction(sizes: LossSizes): string {
  return `fn logit(i: u32, j: u32) -> f32 {
  let inverse_norms = ${rowField('inverseNorm', 'i', sizes)} * ${rowField('inverseTargetNorm', 'j', sizes)};
  return products[i * ${sizes.maxB}u + j] * inverse_norms / u.tau;
}
`;
}

const entropyBuffers = { products: READ, rows: WRITE };

/** A workgroup for each row, then one for every few columns: log-sum-exp and cross entropy. */
function crossEntropies(sizes: LossSizes): Kernel<typeof entropyBuffers> {
  const columns = columnsFor(sizes);
  const threads = columns * COLUMN_THREADS;
  const column = { threads, stride: columns };
  const code = `${GROUP_INDEX_WGSL}${logitFunction(sizes)}
${maxFunction('row_max', threads)}${sumFunction('row_sum', 'f32', threads)}
${combineFunction('column_max', 'f32', { ...column, combine: (a, b) => `max(${a}, ${b})` })}
${combineFunction('column_sum', 'f32', { ...column, combine: (a, b) => `${a} + ${b}` })}
fn along_row(i: u32, index: u32) {
  var top = logit(i, 0u);
  for (var j = index; j < u.B; j += ${threads}u) { top = max(top, logit(i, j)); }
  top = row_max(top, index);
  var sum = 0.0;
  for (var j = index; j < u.B; j += ${threads}u) { sum += exp(logit(i, j) - top); }
  let lse = top + log(row_sum(sum, index));
  if (index > 0u) { return; }
  ${rowField('rowLogSumExp', 'i', sizes)} = lse;
  ${rowField('crossEntropy', 'i', sizes)} = lse - logit(i, i);
}

fn down_columns(first: u32, index: u32) {
  let j = first + index % ${columns}u;
  let own = min(j, u.B - 1u);
  var top = logit(0u, own);
  for (var i = index / ${columns}u; i < u.B; i += ${COLUMN_THREADS}u) { top = max(top, logit(i, own)); }
  top = column_max(top, index);
  var sum = 0.0;
  for (var i = index / ${columns}u; i < u.B; i += ${COLUMN_THREADS}u) { sum += exp(logit(i, own) - top); }
  let lse = top + log(column_sum(sum, index));
  if (index >= ${columns}u || j >= u.B) { return; }
  ${rowField('columnLogSumExp', 'j', sizes)} = lse;
  ${rowField('columnCrossEntropy', 'j', sizes)} = lse - logit(j, j);
}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let group = group_index(id, count);
  if (group < u.B) { along_row(group, index); }
  else if ((group - u.B) * ${columns}u < u.B) { down_columns((group - u.B) * ${columns}u, index); }
}
`;
  return { label: 'InfoNCE cross entropies', buffers: entropyBuffers, code };
}

const GRADIENT_THREADS = 256;
const gradientBuffers = { products: WRITE, rows: READ };

/** Replaces the products by ∂InfoNCE/∂(P·targetᵀ). */
function productGradient(sizes: LossSizes): Kernel<typeof gradientBuffers> {
  const code = `${GROUP_INDEX_WGSL}${logitFunction(sizes)}
@compute @workgroup_size(${GRADIENT_THREADS})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let at = group_index(id, count) * ${GRADIENT_THREADS}u + index;
  let i = at / u.B;
  let j = at % u.B;
  if (i >= u.B) { return; }
  let s = logit(i, j);
  let along_row = exp(s - ${rowField('rowLogSumExp', 'i', sizes)});
  let down_column = exp(s - ${rowField('columnLogSumExp', 'j', sizes)});
  let scale = ${rowField('inverseTargetNorm', 'j', sizes)} / (u.tau * f32(u.B));
  products[i * ${sizes.maxB}u + j] = (along_row + down_column - select(0.0, 2.0, i == j)) * scale;
}
`;
  return { label: 'InfoNCE gradient', buffers: gradientBuffers, code };
}

/** Where `dunit` is measured. */
export const infoNceTerm: WeightedTerm<UnitTermCode> = {
  term: 'info_nce',
  gradient: 'dunit[at]',
  norm2: 'norm2InfoNce',
};

/** Values; in mode "gradient" also `dunit`. After the row values. */
export function addInfoNce(
  program: Program,
  tensors: LossTensors,
  sizes: LossSizes,
  mode: Exclude<InfoNceMode, 'none'>,
): void {
  const { D, maxB } = sizes;
  const targets = rowsOf(tensors.targets, D);
  const products = rowsOf(tensors.products, maxB);
  product(program, 'InfoNCE products', { x: rowsOf(tensors.raw, D), weight: targets, out: products });
  program.add(crossEntropies(sizes), tensors, (B) => grid(B + Math.ceil(B / columnsFor(sizes))));
  if (mode === 'value') return;
  program.add(productGradient(sizes), tensors, (B) => grid(Math.ceil((B * B) / GRADIENT_THREADS)));
  const dunit = rowsOf(tensors.dunit, D);
  inputProduct(program, 'InfoNCE input gradient', { dy: products, weight: targets, dx: dunit });
}
