/**
 * Mean and unbiased σ over the batch of raw, target and unit prediction p per dimension. From them values of the
 * terms and coefficients of their gradients; zero for B = 1, which defines none of them.
 */
import { READ, WRITE, type Kernel } from '../kernel.ts';
import type { Program } from '../program.ts';
import {
  COLUMNS,
  COLUMN_THREADS,
  DIMENSION_VECTORS,
  columnGroups,
  rowField,
  type LossSizes,
  type LossTensors,
} from './layout.ts';
import { rawTerms } from './raw-terms.ts';
import { combineFunction, sumFunction } from './reduce.ts';
import { unitTerms } from './unit-terms.ts';

const THREADS = COLUMNS * COLUMN_THREADS;
const buffers = { raw: READ, targets: READ, rows: READ, coefficients: WRITE, dimensions: WRITE };

function batchStatistics(sizes: LossSizes): Kernel<typeof buffers> {
  const { D } = sizes;
  const terms = [...rawTerms(sizes), ...unitTerms(sizes)];
  const dimensions = terms.flatMap(({ dimension }) => (dimension ? `{ ${dimension} }` : []));
  const code = `
${combineFunction('sum_of_column', 'vec4<f32>', { threads: THREADS, stride: COLUMNS, combine: (a, b) => `${a} + ${b}` })}
${sumFunction('sum_of_columns', 'vec4<f32>', THREADS)}
/** raw, target and unit prediction at row b and dimension d. */
fn values(b: u32, d: u32) -> vec4<f32> {
  let r = raw[b * ${D}u + d];
  return vec4<f32>(r, targets[b * ${D}u + d], r * ${rowField('inverseNorm', 'b', sizes)}, 0.0);
}

/** What one dimension leaves. */
var<private> results: array<vec4<f32>, ${DIMENSION_VECTORS}>;

/** Writes results and coefficients of dimension d. */
fn dimension(d: u32, mean: vec4<f32>, sigma: vec4<f32>) {
  let batch = f32(u.B);
  let free = f32(u.B - 1u);
  ${dimensions.join('\n  ')}
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
  if (first == 0u && d < ${D}u) { dimension(d, mean, sigma); }
  for (var v = 0u; v < ${DIMENSION_VECTORS}u; v++) {
    let sums = sum_of_columns(results[v], index);
    if (index == 0u) {
      for (var i = 0u; i < 4u; i++) { dimensions[(group.x * ${DIMENSION_VECTORS}u + v) * 4u + i] = sums[i]; }
    }
  }
}
`;
  return { label: 'batch statistics', buffers, code };
}

export function addBatchStatistics(program: Program, tensors: LossTensors, sizes: LossSizes): void {
  program.add(batchStatistics(sizes), tensors, () => [columnGroups(sizes.D)]);
}
