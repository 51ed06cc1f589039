/** Intervals over articles and seeds, on simulated cosines. */
import { describe, expect, test } from 'vitest';
import { holdsZero, type GroupSums } from '#shared/domain/evaluation/interval.ts';
import { differenceOverSeeds, metricOverSeeds, type SeedPair } from '#engine/evaluation/over-seeds.ts';
import { Random } from '#engine/random.ts';

const ARTICLES = 60;
const SEED_NOISE = 0.002;

/** `gain` of recipe a over b; each run adds noise of its seed and of each article. */
function simulated(
  random: Random,
  { gain, seeds, isOod }: { gain: number; seeds: number; isOod: boolean },
): SeedPair[] {
  const set = () => Float64Array.from({ length: ARTICLES }, () => Math.round(5 + 40 * random.uniform()));
  const ood = set();
  return Array.from({ length: seeds }, () => {
    const windows = isOod ? ood : set();
    const shared = windows.map(() => 0.05 * random.normal());
    const run = (mean: number): GroupSums => {
      const ofSeed = mean + SEED_NOISE * random.normal();
      const model = windows.map((n, g) => n * (ofSeed + shared[g] + 0.01 * random.normal()));
      return { unit: 'articles', windows, sums: { model } };
    };
    return { a: run(0.5 + gain), b: run(0.5) };
  });
}

function isDistinguishable(pairs: readonly SeedPair[], seed: number): boolean {
  const interval = differenceOverSeeds(pairs, seed);
  if (interval === null) throw new Error('not measured');
  return !holdsZero(interval);
}

describe.each([
  { seeds: 2, isOod: true },
  { seeds: 3, isOod: true },
  { seeds: 3, isOod: false },
])('$seeds seeds, the same windows for all: $isOod', ({ seeds, isOod }) => {
  test('equal recipes are rarely called different', () => {
    const random = new Random(5);
    const found = Array.from({ length: 400 }, (_, k) =>
      isDistinguishable(simulated(random, { gain: 0, seeds, isOod }), k),
    );
    expect(found.filter(Boolean).length).toBeLessThanOrEqual(20);
  });

  test('a gain far above the noise is detected', () => {
    const random = new Random(6);
    const found = Array.from({ length: 100 }, (_, k) =>
      isDistinguishable(simulated(random, { gain: seeds === 2 ? 0.08 : 0.02, seeds, isOod }), k),
    );
    expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(90);
  });
});

test('differing windows are not compared', () => {
  const [pair] = simulated(new Random(1), { gain: 0, seeds: 1, isOod: true });
  const [other] = simulated(new Random(2), { gain: 0, seeds: 1, isOod: true });
  expect(differenceOverSeeds([{ a: pair.a, b: other.b }], 1)).toBeNull();
  expect(differenceOverSeeds([], 1)).toBeNull();
});

describe('the interval of a mean over three seeds', () => {
  const GAIN = 0.03;
  const runs = (random: Random) =>
    simulated(random, { gain: GAIN, seeds: 3, isOod: true }).map(({ a, b }) => {
      const ood = { ...a, sums: { model: a.sums.model, contextMean: b.sums.model } };
      return { validation: ood, ood };
    });

  test('of a lift holds the true lift in at least 93 % of simulations', () => {
    const random = new Random(7);
    const holds = Array.from({ length: 400 }, (_, k) => {
      const { low, high } = metricOverSeeds('oodLift', runs(random), k)!;
      return low <= GAIN && GAIN <= high;
    });
    expect(holds.filter(Boolean).length).toBeGreaterThanOrEqual(186);
  });

  test('of a cosine is wider: an easy article helps model and baseline alike', () => {
    const of = runs(new Random(8));
    const width = (metric: 'oodCosine' | 'oodBestLift') => {
      const { low, high } = metricOverSeeds(metric, of, 1)!;
      return high - low;
    };
    expect(width('oodCosine')).toBeGreaterThan(2 * width('oodBestLift'));
  });

  test('is not measured where one run has no baselines', () => {
    const [first, ...others] = runs(new Random(9));
    const bare = { ...first, ood: { ...first.ood, sums: { model: first.ood.sums.model } } };
    expect(metricOverSeeds('oodLift', [bare, ...others] as typeof others, 1)).toBeNull();
    expect(metricOverSeeds('oodCosine', [bare, ...others] as typeof others, 1)).not.toBeNull();
  });
});
