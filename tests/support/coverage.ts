/** How often the 95 % intervals of the bootstrap hold the true value on simulated sets of articles. */
import { bootstrap } from '#engine/evaluation/bootstrap.ts';
import { Random } from '#engine/random.ts';

export interface CoverageCase {
  readonly articles: number;
  /** σ of the logarithm of windows an article; their median is 20. */
  readonly sizeSpread: number;
  /** `skewed` has skewness −1; articles of the documentation and speech sets have −0.4 to 0.9. */
  readonly effects: 'normal' | 'skewed';
}

/** Cases the test and `bench/coverage.ts` go through. */
export const COVERAGE_CASES: readonly CoverageCase[] = [8, 20, 60, 300].flatMap((articles) =>
  (['normal', 'skewed'] as const).flatMap((effects) =>
    [0.5, 1].map((sizeSpread) => ({ articles, sizeSpread, effects })),
  ),
);

const ARTICLE_EFFECT = 0.05;
const WINDOW_NOISE = 0.15;
export const TRUE_COSINE = 0.55;
export const TRUE_LIFT = 0.01;

/** Windows of each article and the sums of the cosines of a model and of a baseline that shares most of its effects. */
export function simulatedSums({ articles, sizeSpread, effects }: CoverageCase, random: Random, lift = TRUE_LIFT) {
  const windows = Float64Array.from({ length: articles }, () =>
    Math.max(1, Math.round(20 * Math.exp(sizeSpread * random.normal()))),
  );
  // Minus a sum of four exponential variables, standardised: 2 + ½ Σ ln u.
  const skewed = () => 2 + 0.5 * [1, 2, 3, 4].reduce((sum) => sum + Math.log(1 - random.uniform()), 0);
  const effect = () => ARTICLE_EFFECT * (effects === 'normal' ? random.normal() : skewed());
  const model = new Float64Array(articles);
  const baseline = new Float64Array(articles);
  windows.forEach((n, g) => {
    const shared = effect();
    const noise = WINDOW_NOISE * Math.sqrt(n) * random.normal();
    const own = () => 0.2 * WINDOW_NOISE * Math.sqrt(n) * random.normal();
    model[g] = n * (TRUE_COSINE + shared) + noise + own();
    baseline[g] = n * (TRUE_COSINE - lift + 0.9 * shared + 0.2 * effect()) + noise + own();
  });
  return { windows, model, baseline };
}

/** Share of `sets` simulated sets whose intervals hold the true cosine and the true lift. */
export function coverage(of: CoverageCase, sets: number, draws: number, seed: number) {
  const random = new Random(seed);
  const held = { cosine: 0, lift: 0 };
  for (let set = 0; set < sets; set++) {
    const { windows, model, baseline } = simulatedSums(of, random);
    const drawn = bootstrap(windows, [model, baseline], set, draws);
    const cosine = drawn.mean(0);
    const lift = drawn.difference(0, 1);
    if (cosine && cosine.low <= TRUE_COSINE && cosine.high >= TRUE_COSINE) held.cosine++;
    if (lift && lift.low <= TRUE_LIFT && lift.high >= TRUE_LIFT) held.lift++;
  }
  return { cosine: held.cosine / sets, lift: held.lift / sets };
}
