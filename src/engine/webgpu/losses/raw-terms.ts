/** The terms on raw itself. Formulas: tests/reference/losses.ts. */
import { keysOf } from '#shared/domain/records.ts';
import { coefficient, dimensionResult, rowField, type LossSizes } from './layout.ts';
import type { TermCode, WeightedTerm } from './term.ts';

function mse(sizes: LossSizes): TermCode {
  return {
    rowValues: `${rowField('squaredError', 'b', sizes)} = own.w;`,
    gradient: `2.0 / (f32(u.B) * ${sizes.D}.0) * (r - x)`,
  };
}

/** Gradient: offset + slope·(raw − mean). */
function moment(sizes: LossSizes): TermCode {
  const { D } = sizes;
  const of = (name: Parameters<typeof coefficient>[0]) => coefficient(name, 'd', sizes);
  return {
    dimension: `let mean_gap = mean.x - mean.y;
    let sigma_gap = select(sigma.x - sigma.y, 0.0, u.B < 2u);
    let moves = sigma.x > 0.0;
    ${of('momentOffset')} = select(mean_gap * ${2 / D} / batch, 0.0, u.B < 2u);
    ${of('momentSlope')} = select(0.0, sigma_gap * ${2 / D} / (free * sigma.x), moves);
    ${of('rawMean')} = mean.x;
    ${dimensionResult('mean2')} = mean_gap * mean_gap;
    ${dimensionResult('sigma2')} = sigma_gap * sigma_gap;
    ${dimensionResult('momentGradient2')} = mean_gap * mean_gap / batch + select(0.0, sigma_gap * sigma_gap / free, moves);`,
    gradient: `fma(${of('momentSlope')}, r - ${of('rawMean')}, ${of('momentOffset')})`,
  };
}

const CODE_OF = { mse, moment };
export type RawTerm = keyof typeof CODE_OF;

export function rawTerms(sizes: LossSizes): readonly WeightedTerm<TermCode>[] {
  return keysOf(CODE_OF).map((term) => ({ term, ...CODE_OF[term](sizes) }));
}
