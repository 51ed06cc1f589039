/**
 * The gradient of the total loss on raw, row by row: the terms on the unit prediction p go through the normalisation,
 * (g − (g·p)p)/|raw|; those on raw itself are added. Terms go four to a vector.
 */
import { READ, WRITE, GROUP_INDEX_WGSL, grid } from '../kernel.ts';
import type { Program } from '../program.ts';
import { lambda } from '../uniforms.ts';
import { threadsForRow } from '../wgsl.ts';
import { infoNceTerm } from './info-nce.ts';
import { MIN_NORM, rowField, type LossSizes, type LossTensors } from './layout.ts';
import { rawTerms } from './raw-terms.ts';
import { sumFunction } from './reduce.ts';
import type { UnitTermCode, WeightedTerm } from './term.ts';
import { unitTerms } from './unit-terms.ts';

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

/** A piece of code for every vector of four terms: `code(v, four)`, where `four` makes a vec4 of one expression for each. */
function vectors(
  terms: readonly WeightedTerm<UnitTermCode>[],
  code: (v: number, four: (of: (term: WeightedTerm<UnitTermCode>) => string) => string) => string,
): string {
  const count = Math.ceil(terms.length / 4);
  const pieces = Array.from({ length: count }, (_, v) => {
    const lanes = [0, 1, 2, 3].map((i) => terms.at(4 * v + i));
    return code(v, (of) => `vec4<f32>(${lanes.map((term) => (term ? of(term) : '0.0')).join(', ')})`);
  });
  return pieces.join('\n');
}

/** What the gradients of the terms may use at dimension d. */
function elements({ D }: LossSizes): string {
  return `let at = b * ${D}u + d;
    let r = raw[at];
    let x = targets[at];
    let p = r * inverse;
    let unit_target = x * inverse_target;`;
}

function code(sizes: LossSizes, terms: readonly WeightedTerm<UnitTermCode>[]): string {
  const { D } = sizes;
  const threads = threadsForRow(D);
  const row = (name: Parameters<typeof rowField>[0]) => rowField(name, 'b', sizes);
  const rawTotal = rawTerms(sizes).map(({ term, gradient }) => `total += u.${lambda(term)} * (${gradient});`);
  return `${GROUP_INDEX_WGSL}
const THREADS = ${threads}u;
${terms.map(({ functions }) => functions ?? '').join('')}
${sumFunction('sum4', 'vec4<f32>', threads)}
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
  ${terms.map(({ prepare }) => prepare ?? '').join('\n  ')}
  workgroupBarrier();

  // g·p of each term.
  ${vectors(terms, (v) => `var along${v} = vec4<f32>();`)}
  for (var d = index; d < ${D}u; d += THREADS) {
    ${elements(sizes)}
    ${vectors(terms, (v, four) => `along${v} = fma(${four(({ gradient }) => gradient)}, vec4<f32>(p), along${v});`)}
  }
  let turns = inverse < ${LARGEST_INVERSE};
  ${vectors(terms, (v) => `along${v} = select(vec4<f32>(), sum4(along${v}, index), turns);`)}

  ${vectors(terms, (v) => `var squares${v} = vec4<f32>();`)}
  ${vectors(terms, (v, four) => `let weights${v} = ${four(({ term }) => `u.${lambda(term)}`)};`)}
  for (var d = index; d < ${D}u; d += THREADS) {
    ${elements(sizes)}
    var total = 0.0;
    ${vectors(
      terms,
      (v, four) => `let g${v} = ${four(({ gradient, gradientAgain }) => gradientAgain ?? gradient)};
    let across${v} = (g${v} - along${v} * p) * inverse;
    squares${v} = fma(across${v}, across${v}, squares${v});
    total += dot(weights${v}, across${v});`,
    )}
    ${rawTotal.join('\n    ')}
    draw[at] = total;
  }
  ${vectors(terms, (v) => `squares${v} = sum4(squares${v}, index);`)}
  if (index > 0u) { return; }
  ${terms.map(({ norm2 }, k) => `${row(norm2)} = squares${Math.floor(k / 4)}[${k % 4}];`).join('\n  ')}
}
`;
}

/** After the row values, the batch statistics and, if `withInfoNce`, the gradient of InfoNCE on the unit prediction. */
export function addLossGradient(program: Program, tensors: LossTensors, sizes: LossSizes, withInfoNce: boolean): void {
  const label = 'loss gradient';
  const terms = unitTerms(sizes);
  if (withInfoNce) {
    const kernel = { label, buffers: infoNceBuffers, code: code(sizes, [...terms, infoNceTerm]) };
    program.add(kernel, tensors, grid);
  } else program.add({ label, buffers, code: code(sizes, terms) }, tensors, grid);
}
