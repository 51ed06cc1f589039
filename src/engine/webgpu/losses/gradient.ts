/**
 * The gradient of the total loss on raw, row by row: the terms on the unit prediction p add up and go through the
 * normalisation, (g − (g·p)p)/|raw|; MSE and moment act on raw itself.
 */
import { lambda } from '../uniforms.ts';
import { READ, WRITE, GROUP_INDEX_WGSL, grid } from '../kernel.ts';
import type { Program } from '../program.ts';
import {
  MIN_NORM,
  coefficient,
  contextCosine,
  inverseContextNorm,
  rowField,
  type LossSizes,
  type LossTensors,
} from './layout.ts';
import { threadsForRow } from '../wgsl.ts';
import { sumFunction } from './reduce.ts';

/** A larger 1/|raw| is that of a row below the least norm: its p has no derivative along p. */
const LARGEST_INVERSE = 0.999999 / MIN_NORM;

const buffers = {
  raw: READ,
  targets: READ,
  contexts: READ,
  rows: WRITE,
  positions: READ,
  coefficients: READ,
  draw: WRITE,
};
const infoNceBuffers = { ...buffers, dunit: READ };

/** WGSL of Σ_t (ĉ_t − t̂)/(B·T) over the positions that miss the margin; `parts` [T]: 1/|c_t| of these, 0 of the others. */
function antiCopyOf({ T, D }: LossSizes): string {
  return `fn anti_copy(b: u32, d: u32, unit_target: f32) -> f32 {
  var g = 0.0;
  var missed = 0.0;
  for (var t = 0u; t < ${T}u; t++) {
    if (parts[t] == 0.0) { continue; }
    g = fma(parts[t], contexts[(b * ${T}u + t) * ${D}u + d], g);
    missed += 1.0;
  }
  return (g - missed * unit_target) / (f32(u.B) * ${T}.0);
}
`;
}

/** WGSL of ĉ_{T−2} − t̂ over B; `part`: 1/|c_{T−2}| where the margin is missed, else 0. */
function directionalOf({ T, D }: LossSizes): string {
  if (T < 2) return 'fn directional(b: u32, d: u32, unit_target: f32, part: f32) -> f32 { return 0.0; }\n';
  return `fn directional(b: u32, d: u32, unit_target: f32, part: f32) -> f32 {
  if (part == 0.0) { return 0.0; }
  return fma(part, contexts[(b * ${T}u + ${T - 2}u) * ${D}u + d], -unit_target) / f32(u.B);
}
`;
}

/** Gradients on the unit prediction, unweighted: of variance, directional, anti-copy and cosine; with InfoNCE its own. */
function code(sizes: LossSizes, withInfoNce: boolean): string {
  const { T, D } = sizes;
  const threads = threadsForRow(D);
  const row = (name: Parameters<typeof rowField>[0]) => rowField(name, 'b', sizes);
  const of = (name: Parameters<typeof coefficient>[0]) => coefficient(name, 'd', sizes);
  const infoNce = (line: string) => (withInfoNce ? line : '');
  return `${GROUP_INDEX_WGSL}
/** 1/|x_t| of the positions that anti-copy pushes away from, else 0. */
var<workgroup> parts: array<f32, ${T}>;
${antiCopyOf(sizes)}${directionalOf(sizes)}
${sumFunction('sum4', 'vec4<f32>', threads)}${infoNce(sumFunction('sum1', 'f32', threads))}

fn missed_part(position: u32, margin: f32, cosine: f32, weight: f32) -> f32 {
  let missed = weight != 0.0 && margin - (cosine - ${contextCosine('position')}) > 0.0;
  return select(0.0, ${inverseContextNorm('position', sizes)}, missed);
}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let b = group_index(id, count);
  if (b >= u.B) { return; }
  let cosine = ${row('cosine')};
  let inverse = ${row('inverseNorm')};
  let inverse_target = ${row('inverseTargetNorm')};
  for (var t = index; t < ${T}u; t += ${threads}u) {
    parts[t] = missed_part(b * ${T}u + t, u.marginAntiCopy, cosine, u.${lambda('anti_copy')});
  }
  workgroupBarrier();
  let before = ${T < 2 ? '0.0' : `missed_part(b * ${T}u + ${T - 2}u, u.marginDirectional, cosine, u.${lambda('directional')})`};

  // g·p of each term; draw keeps the gradient of anti-copy for the second pass.
  var along = vec4<f32>();
  ${infoNce('var along_info_nce = 0.0;')}
  for (var d = index; d < ${D}u; d += ${threads}u) {
    let at = b * ${D}u + d;
    let p = raw[at] * inverse;
    let unit_target = targets[at] * inverse_target;
    let anti = anti_copy(b, d, unit_target);
    draw[at] = anti;
    let g = vec4<f32>(${of('varianceSlope')} * (p - ${of('unitMean')}), directional(b, d, unit_target, before), anti, -unit_target / f32(u.B));
    along = fma(g, vec4<f32>(p), along);
    ${infoNce('along_info_nce = fma(dunit[at], p, along_info_nce);')}
  }
  let turns = inverse < ${LARGEST_INVERSE};
  along = select(vec4<f32>(), sum4(along, index), turns);
  ${infoNce('along_info_nce = select(0.0, sum1(along_info_nce, index), turns);')}

  let weights = vec4<f32>(u.${lambda('variance')}, u.${lambda('directional')}, u.${lambda('anti_copy')}, u.${lambda('cosine')});
  var squares = vec4<f32>();
  ${infoNce('var squares_info_nce = 0.0;')}
  for (var d = index; d < ${D}u; d += ${threads}u) {
    let at = b * ${D}u + d;
    let r = raw[at];
    let p = r * inverse;
    let unit_target = targets[at] * inverse_target;
    let g = vec4<f32>(${of('varianceSlope')} * (p - ${of('unitMean')}), directional(b, d, unit_target, before), draw[at], -unit_target / f32(u.B));
    let across = (g - along * p) * inverse;
    squares = fma(across, across, squares);
    var total = dot(weights, across);
    ${infoNce(`let across_info_nce = (dunit[at] - along_info_nce * p) * inverse;
    squares_info_nce = fma(across_info_nce, across_info_nce, squares_info_nce);
    total = fma(u.${lambda('info_nce')}, across_info_nce, total);`)}
    total += u.${lambda('mse')} * 2.0 / (f32(u.B) * ${D}.0) * (r - targets[at]);
    total += u.${lambda('moment')} * fma(${of('momentSlope')}, r - ${of('rawMean')}, ${of('momentOffset')});
    draw[at] = total;
  }
  squares = sum4(squares, index);
  ${infoNce('squares_info_nce = sum1(squares_info_nce, index);')}
  if (index > 0u) { return; }
  ${row('norm2Variance')} = squares.x;
  ${row('norm2Directional')} = squares.y;
  ${row('norm2AntiCopy')} = squares.z;
  ${row('norm2Cosine')} = squares.w;
  ${infoNce(`${row('norm2InfoNce')} = squares_info_nce;`)}
}
`;
}

/** After the row values, the batch statistics and, if `withInfoNce`, the gradient of InfoNCE on the unit prediction. */
export function addLossGradient(program: Program, tensors: LossTensors, sizes: LossSizes, withInfoNce: boolean): void {
  const label = 'loss gradient';
  if (withInfoNce) program.add({ label, buffers: infoNceBuffers, code: code(sizes, true) }, tensors, grid);
  else program.add({ label, buffers, code: code(sizes, false) }, tensors, grid);
}
