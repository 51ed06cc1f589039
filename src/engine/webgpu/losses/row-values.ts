/** Cosines of each row with its target and its context vectors, and the values of the terms that one row decides. */
import { READ, WRITE, GROUP_INDEX_WGSL, grid, type Kernel } from '../kernel.ts';
import type { Program } from '../program.ts';
import { MIN_NORM, contextCosine, inverseContextNorm, rowField, type LossSizes, type LossTensors } from './layout.ts';
import { rawTerms } from './raw-terms.ts';
import { unitTerms } from './unit-terms.ts';

/** Threads that share one product of two vectors. */
const LANES = 32;
/** Such groups of a workgroup: a power of two, not many more than there are vectors. */
const teamsFor = (vectors: number) => Math.min(8, 2 ** Math.ceil(Math.log2(vectors)));

const buffers = { raw: READ, targets: READ, contexts: READ, rows: WRITE, positions: WRITE };

/** A workgroup takes one row: products of raw with its T context vectors and, as vector T, the target. */
function rowValues(sizes: LossSizes): Kernel<typeof buffers> {
  const { T, D } = sizes;
  const teams = teamsFor(T + 1);
  const row = (name: Parameters<typeof rowField>[0]) => rowField(name, 'b', sizes);
  const terms = [...rawTerms(sizes), ...unitTerms(sizes)];
  const values = terms.flatMap(({ rowValues }) => (rowValues ? `{ ${rowValues} }` : []));
  const code = `${GROUP_INDEX_WGSL}
var<workgroup> sums: array<vec4<f32>, ${LANES * teams}>;
/** raw·x, |x|², |raw|², |raw − x|². */
var<workgroup> products: array<vec4<f32>, ${T + 1}>;

fn element(b: u32, vector: u32, d: u32) -> f32 {
  if (vector < ${T}u) { return contexts[(b * ${T}u + vector) * ${D}u + d]; }
  return targets[b * ${D}u + d];
}

fn inverse_norm(squares: f32) -> f32 { return 1.0 / max(sqrt(squares), ${MIN_NORM}); }

/** cos(raw, x_t) once the products are there. */
fn context_cosine(t: u32, inverse: f32) -> f32 { return products[t].x * inverse * inverse_norm(products[t].y); }

@compute @workgroup_size(${LANES * teams})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let b = group_index(id, count);
  if (b >= u.B) { return; }
  let lane = index % ${LANES}u;
  for (var first = 0u; first <= ${T}u; first += ${teams}u) {
    let vector = first + index / ${LANES}u;
    var sum = vec4<f32>();
    if (vector <= ${T}u) {
      for (var d = lane; d < ${D}u; d += ${LANES}u) {
        let r = raw[b * ${D}u + d];
        let x = element(b, vector, d);
        let left = vec4<f32>(r, x, r, r - x);
        sum = fma(left, vec4<f32>(x, x, r, r - x), sum);
      }
    }
    sums[index] = sum;
    for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) { sums[index] += sums[index + half]; }
    }
    if (lane == 0u && vector <= ${T}u) { products[vector] = sums[index]; }
    workgroupBarrier();
  }
  let own = products[${T}];
  let inverse = inverse_norm(own.z);
  let inverse_target = inverse_norm(own.y);
  let cosine = own.x * inverse * inverse_target;
  for (var t = index; t < ${T}u; t += ${LANES * teams}u) {
    let inverse_context = inverse_norm(products[t].y);
    ${contextCosine(`b * ${T}u + t`)} = products[t].x * inverse * inverse_context;
    ${inverseContextNorm(`b * ${T}u + t`, sizes)} = inverse_context;
  }
  if (index > 0u) { return; }
  ${row('inverseNorm')} = inverse;
  ${row('inverseTargetNorm')} = inverse_target;
  ${row('cosine')} = cosine;
  ${row('nonFinite')} = select(0.0, 1.0, (bitcast<u32>(own.w) & 0x7f800000u) == 0x7f800000u);
  ${values.join('\n  ')}
}
`;
  return { label: 'losses of rows', buffers, code };
}

export function addRowValues(program: Program, tensors: LossTensors, sizes: LossSizes): void {
  program.add(rowValues(sizes), tensors, grid);
}
