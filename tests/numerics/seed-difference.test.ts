/** Winners of sweeps on simulated cosines: when a difference over articles and seeds is real. */
import { describe, expect, test } from 'vitest';
import type { GroupSums } from '#shared/domain/evaluation/interval.ts';
import { isDistinguishable, type SeedPair } from '#engine/evaluation/seed-difference.ts';
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

test('ten data seeds without gain give no difference; differing windows are not compared', () => {
  for (let seed = 0; seed < 10; seed++) {
    expect(isDistinguishable(simulated(new Random(seed), { gain: 0, seeds: 3, isOod: true }), seed)).toBe(false);
  }
  const [pair] = simulated(new Random(1), { gain: 0, seeds: 1, isOod: true });
  const [other] = simulated(new Random(2), { gain: 0, seeds: 1, isOod: true });
  expect(isDistinguishable([{ a: pair.a, b: other.b }], 1)).toBeNull();
  expect(isDistinguishable([], 1)).toBeNull();
});
