/** What the gates of a Gram mixture are trained on: clusters of articles, folds, isometries. */
import { describe, expect, test } from 'vitest';
import { clusterArticles } from '#engine/gram/parts/clusters.ts';
import { keyIds } from '#engine/gram/fit.ts';
import { Folds } from '#engine/gram/gate/folds.ts';
import { turnAtRandom } from '#engine/gram/parts/isometry.ts';
import { gateShares, sampleOf } from '#engine/gram/statistics.ts';
import { Random } from '#engine/random.ts';
import { sourceOf } from '../../support/gram.ts';

const D = 12;
const T = 2;

function normals(seed: number, count: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** `articles` articles of three windows around one of four topics each, article i about topic i % 4. */
function topicalWindows(articles: number) {
  const noise = normals(2, articles * 3 * (T + 1) * D);
  const windows = noise.map((value, i) => {
    const article = Math.floor(i / (3 * (T + 1) * D));
    return 0.3 * value + (i % D === article % 4 ? 4 : 1);
  });
  const ids = Uint32Array.from({ length: articles * 3 }, (_, id) => id);
  return { source: sourceOf(windows, T, D), ids, articles: ids.map((id) => Math.floor(id / 3)) };
}

test('articles on one topic are one cluster, whatever the order of their windows', () => {
  const windows = topicalWindows(24);
  const labels = clusterArticles(windows, 4, new Random(1));
  expect(new Set(labels)).toEqual(new Set([0, 1, 2, 3]));
  windows.articles.forEach((article, place) => expect(labels[place]).toBe(labels[3 * (article % 4)]));

  const reversed = { ...windows, ids: windows.ids.toReversed(), articles: windows.articles.toReversed() };
  expect(clusterArticles(reversed, 4, new Random(1))).toEqual(labels.toReversed());
});

test('few articles make fewer clusters', () => {
  expect(new Set(clusterArticles(topicalWindows(11), 4, new Random(1)))).toEqual(new Set([0, 1]));
});

test('a fold is fitted on all windows but those of its cluster', () => {
  const folds = new Folds(Uint32Array.of(10, 20, 30, 40), Uint32Array.of(0, 1, 1, 0));
  expect(folds.ids).toEqual([Uint32Array.of(10, 40), Uint32Array.of(20, 30)]);
  expect(folds.fittedOn(0)).toEqual(Uint32Array.of(20, 30));
  expect(folds.fittedOn(folds.whole)).toEqual(Uint32Array.of(10, 20, 30, 40));
});

test('a turn preserves every dot product and moves the mean direction', () => {
  const original = normals(3, 6 * D);
  const mean = Float32Array.from({ length: D }, () => 1);
  const pool = normals(4, 8 * D);
  const product = (x: Float32Array, i: number, j: number) =>
    x.subarray(i * D, (i + 1) * D).reduce((sum, value, d) => sum + value * x[j * D + d], 0);
  for (let seed = 0; seed < 12; seed++) {
    const random = new Random(seed);
    const draw = () => {
      const i = random.integer(8);
      return pool.slice(i * D, (i + 1) * D);
    };
    const turned = original.slice();
    turnAtRandom([turned.subarray(0, 4 * D), turned.subarray(4 * D)], mean, random, draw);
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j <= i; j++) expect(product(turned, i, j)).toBeCloseTo(product(original, i, j), 4);
    }
    expect(turned).not.toEqual(original);
  }
});

test('samples are drawn without replacement and keep their order', () => {
  const places = Uint32Array.from({ length: 50 }, (_, i) => 2 * i);
  const sample = sampleOf(places, 20, new Random(5));
  expect(new Set(sample).size).toBe(20);
  expect([...sample]).toEqual([...sample].toSorted((a, b) => a - b));
  expect([...sample].every((place) => place % 2 === 0)).toBe(true);
});

test('where windows exceed the number of keys, evenly spaced ones are kept', () => {
  const ids = Uint32Array.from({ length: 10 }, (_, i) => i);
  expect(keyIds(ids, 10)).toBe(ids);
  expect([...keyIds(ids, 5)]).toEqual([0, 2, 4, 6, 8]);
});

describe('windows that train the gates', () => {
  const settings = { plainWindows: 6000, turnedWindows: 4500 };
  const rows = (windows: number, of = settings): number => {
    const { plain, turned } = gateShares(of, windows);
    return windows * [plain, ...turned].reduce((sum, share) => sum + share, 0);
  };

  test('large sets: the plain and turned windows of the settings, in one round', () => {
    expect(gateShares(settings, 10_000)).toEqual({ plain: 0.6, turned: [0.45] });
  });

  test('small sets: turned copies make up for plain windows, in rounds of at most three quarters', () => {
    const { plain, turned } = gateShares(settings, 3000);
    expect(plain).toBe(1);
    expect(Math.max(...turned)).toBe(0.75);
    expect(rows(3000)).toBeCloseTo(10_500, 6);
    expect(gateShares(settings, 100).turned).toEqual(Array.from({ length: 8 }, () => 0.75));
  });

  test('no turned windows where the settings have none', () => {
    expect(gateShares({ ...settings, turnedWindows: 0 }, 3000)).toEqual({ plain: 1, turned: [] });
  });
});
