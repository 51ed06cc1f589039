/**
 * Mean and unbiased σ over the batch of raw, target and unit prediction p per dimension. From them the values of moment
 * and variance, and the coefficients of their gradients; zero for B = 1, which defines neither.
 */
import { READ, WRITE, type Kernel } from '../kernel.ts';
import type { Program } from '../program.ts';
import {
  COLUMNS,
  COLUMN_THREADS,
  coefficient,
  columnGroups,
  rowField,
  type LossSizes,
  type LossTensors,
} from './layout.ts';
import { combineFunction, sumFunction } from './reduce.ts';

const THREADS = COLUMNS * COLUMN_THREADS;
const buffers = { raw: READ, targets: READ, rows: READ, coefficients: WRITE, dimensions: WRITE };

function batchStatistics(sizes: LossSizes): Kernel<typeof buffers> {
  const { D } = sizes;
  const coefficientOf = (name: Parameters<typeof coefficient>[0]) => coefficient(name, 'd', sizes);
  const code = `
${combineFunction('sum_of_column', 'vec4<f32>', { threads: THREADS, stride: COLUMNS, combine: (a, b) => `${a} + ${b}` })}
${sumFunction('sum_of_columns', 'vec4<f32>', THREADS)}
/** raw, target and unit prediction at row b and dimension d. */
fn values(b: u32, d: u32) -> vec4<f32> {
  let r = raw[b * ${D}u + d];
  return vec4<f32>(r, targets[b * ${D}u + d], r * ${rowField('inverseNorm', 'b', sizes)}, 0.0);
}

/** Writes the coefficients of dimension d; returns its squared gaps of mean and σ, its hinge, its moment gradient². */
fn dimension(d: u32, mean: vec4<f32>, sigma: vec4<f32>) -> vec4<f32> {
  let batch = f32(u.B);
  let free = f32(u.B - 1u);
  let mean_gap = mean.x - mean.y;
  let sigma_gap = select(sigma.x - sigma.y, 0.0, u.B < 2u);
  let moves = sigma.x > 0.0;
  let short = max(u.varianceTarget - sigma.z, 0.0);
  ${coefficientOf('momentOffset')} = select(mean_gap * ${2 / D} / batch, 0.0, u.B < 2u);
  ${coefficientOf('momentSlope')} = select(0.0, sigma_gap * ${2 / D} / (free * sigma.x), moves);
  ${coefficientOf('rawMean')} = mean.x;
  ${coefficientOf('varianceSlope')} = select(0.0, ${-1 / D} / (free * sigma.z), short > 0.0 && sigma.z > 0.0);
  ${coefficientOf('unitMean')} = mean.z;
  let gradient2 = mean_gap * mean_gap / batch + select(0.0, sigma_gap * sigma_gap / free, moves);
  return vec4<f32>(mean_gap * mean_gap, sigma_gap * sigma_gap, short, gradient2);
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let d = group.x * ${COLUMNS}u + index % ${COLUMNS}u;
  let first = index / ${COLUMNS}u;
  let end = select(0u, u.B, d < ${D}u);
  var sum = vec4<f32>();
  for (var b = first; b < end; b += ${COLUMN_THREADS}u) { sum += values(b, d); }
  let mean = sum_of_column(sum, index) / f32(u.B);
  var squares = vec4<f32>();
  for (var b = first; b < end; b += ${COLUMN_THREADS}u) {
    let away = values(b, d) - mean;
    squares = fma(away, away, squares);
  }
  let sigma = sqrt(sum_of_column(squares, index) / f32(max(u.B, 2u) - 1u));
  var results = vec4<f32>();
  if (first == 0u && d < ${D}u) { results = dimension(d, mean, sigma); }
  results = sum_of_columns(results, index);
  if (index == 0u) {
    for (var i = 0u; i < 4u; i++) { dimensions[group.x * 4u + i] = results[i]; }
  }
}
`;
  return { label: 'batch statistics', buffers, code };
}

export function addBatchStatistics(program: Program, tensors: LossTensors, sizes: LossSizes): void {
  program.add(batchStatistics(sizes), tensors, () => [columnGroups(sizes.D)]);
}
