/** The terms on the unit prediction p, except InfoNCE. Formulas: tests/reference/losses.ts. t̂ unit target, ĉ unit context vector. */
import type { Term } from '#shared/domain/models/terms.ts';
import { keysOf } from '#shared/domain/records.ts';
import { lambda } from '../uniforms.ts';
import { coefficient, contextCosine, dimensionResult, inverseContextNorm, rowField, type LossSizes } from './layout.ts';
import type { RawTerm } from './raw-terms.ts';
import type { UnitTermCode, WeightedTerm } from './term.ts';

/** Gradient: slope·(p − mean of p). */
function variance(sizes: LossSizes): UnitTermCode {
  const of = (name: Parameters<typeof coefficient>[0]) => coefficient(name, 'd', sizes);
  return {
    dimension: `let short = max(u.varianceTarget - sigma.z, 0.0);
    ${of('varianceSlope')} = select(0.0, ${-1 / sizes.D} / (free * sigma.z), short > 0.0 && sigma.z > 0.0);
    ${of('unitMean')} = mean.z;
    ${dimensionResult('hinge')} = short;`,
    gradient: `${of('varianceSlope')} * (p - ${of('unitMean')})`,
    norm2: 'norm2Variance',
  };
}

/** WGSL: 1/|x_t| of position b·T + t where its margin is missed, else 0; 0 too where the term is not trained on. */
function missed(position: string, term: Term, margin: string, sizes: LossSizes): string {
  const short = `u.${margin} - (cosine - ${contextCosine(position)}) > 0.0`;
  return `select(0.0, ${inverseContextNorm(position, sizes)}, u.${lambda(term)} != 0.0 && ${short})`;
}

/** Gradient: (ĉ − t̂)/B where the margin is missed, ĉ the context vector before the last. */
function directional(sizes: LossSizes): UnitTermCode {
  const { T, D } = sizes;
  const row = rowField('directional', 'b', sizes);
  const common = { norm2: 'norm2Directional' } as const;
  if (T < 2) return { ...common, rowValues: `${row} = 0.0;`, gradient: '0.0' };
  return {
    ...common,
    rowValues: `${row} = max(0.0, u.marginDirectional - (cosine - context_cosine(${T - 2}u, inverse)));`,
    functions: `fn directional(b: u32, d: u32, unit_target: f32, part: f32) -> f32 {
  if (part == 0.0) { return 0.0; }
  return fma(part, contexts[(b * ${T}u + ${T - 2}u) * ${D}u + d], -unit_target) / f32(u.B);
}
`,
    prepare: `let before = ${missed(`b * ${T}u + ${T - 2}u`, 'directional', 'marginDirectional', sizes)};`,
    gradient: 'directional(b, d, unit_target, before)',
  };
}

/** Gradient: Σ_t (ĉ_t − t̂)/(B·T) over the positions that miss the margin. */
function antiCopy(sizes: LossSizes): UnitTermCode {
  const { T, D } = sizes;
  return {
    rowValues: `var short = 0.0;
    for (var t = 0u; t < ${T}u; t++) { short += max(0.0, u.marginAntiCopy - (cosine - context_cosine(t, inverse))); }
    ${rowField('antiCopy', 'b', sizes)} = short;`,
    functions: `/** 1/|x_t| of the positions to push away from, else 0. */
var<workgroup> parts: array<f32, ${T}>;
/** Also stored in draw. */
fn anti_copy(b: u32, d: u32, unit_target: f32) -> f32 {
  var g = 0.0;
  var pushed = 0.0;
  for (var t = 0u; t < ${T}u; t++) {
    if (parts[t] == 0.0) { continue; }
    g = fma(parts[t], contexts[(b * ${T}u + t) * ${D}u + d], g);
    pushed += 1.0;
  }
  g = (g - pushed * unit_target) / (f32(u.B) * ${T}.0);
  draw[b * ${D}u + d] = g;
  return g;
}
`,
    prepare: `for (var t = index; t < ${T}u; t += THREADS) {
    parts[t] = ${missed(`b * ${T}u + t`, 'anti_copy', 'marginAntiCopy', sizes)};
  }`,
    gradient: 'anti_copy(b, d, unit_target)',
    gradientAgain: 'draw[at]',
    norm2: 'norm2AntiCopy',
  };
}

/** Its value follows from the cosine of the row. */
function cosine(): UnitTermCode {
  return { gradient: '-unit_target / f32(u.B)', norm2: 'norm2Cosine' };
}

const CODE_OF: Readonly<Record<Exclude<Term, RawTerm | 'info_nce'>, (sizes: LossSizes) => UnitTermCode>> = {
  variance,
  directional,
  anti_copy: antiCopy,
  cosine,
};

export function unitTerms(sizes: LossSizes): readonly WeightedTerm<UnitTermCode>[] {
  return keysOf(CODE_OF).map((term) => ({ term, ...CODE_OF[term](sizes) }));
}
