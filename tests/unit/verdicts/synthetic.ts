/**
 * Synthetic data with known faults: articles of unit vectors around shared themes, windows over them, and a predictor
 * that really learns from them (the themes of its training articles). D width, T context length.
 */
import { Random } from '#engine/random.ts';
import type { CompareData } from '../../../src/main/datasets/measures/compare.ts';
import type { Predictor } from '#engine/evaluation/ablations.ts';
import { contextMeans, dot, unitRows } from '#engine/evaluation/vectors.ts';
import type { Split } from '#engine/evaluation/windows.ts';
import type { WindowSource } from '#engine/types.ts';

export const D = 48;
export const T = 5;
const THEMES = 16;
const ARTICLE_LENGTH = 24;

/** Length of the component shared by all vectors, relative to the theme's 1. */
const COMMON = 0.6;

/** Theme directions with the shared component; one set per world. */
export function makeThemes(seed: number): Float32Array {
  const random = new Random(seed);
  const common = unitRows(
    Float32Array.from({ length: D }, () => random.normal()),
    D,
  );
  const themes = unitRows(
    Float32Array.from({ length: THEMES * D }, () => random.normal()),
    D,
  );
  return themes.map((x, i) => x + COMMON * common[i % D]);
}

export interface Articles {
  /** [articles · ARTICLE_LENGTH, D], unit. */
  readonly vectors: Float32Array;
  readonly articles: number;
}

/** noise: length of the random part of each vector, relative to the theme's 1. */
export function makeArticles(themes: Float32Array, articles: number, seed: number, noise = 1.2): Articles {
  const random = new Random(seed);
  const rows = new Float32Array(articles * ARTICLE_LENGTH * D);
  const scale = 1 / Math.sqrt(D);
  for (let a = 0; a < articles; a++) {
    const theme = random.integer(THEMES) * D;
    const own = Float32Array.from({ length: D }, () => 0.15 * scale * random.normal());
    for (let i = 0; i < ARTICLE_LENGTH; i++) {
      const at = (a * ARTICLE_LENGTH + i) * D;
      for (let d = 0; d < D; d++) rows[at + d] = themes[theme + d] + own[d] + noise * scale * random.normal();
    }
  }
  return { vectors: unitRows(rows, D), articles };
}

export interface WindowSet {
  readonly split: Split;
  readonly articleOf: Int32Array;
}

/** `targetStep` 1: the vector after the context; 2: windows shifted by one; 0: the last context vector itself. */
export function makeWindows({ vectors, articles }: Articles, targetStep = 1): WindowSet {
  const starts: number[] = [];
  for (let a = 0; a < articles; a++) {
    for (let i = 0; i + T + 1 < ARTICLE_LENGTH; i++) starts.push(a * ARTICLE_LENGTH + i);
  }
  const source: WindowSource = {
    windows: starts.length,
    T,
    D,
    gather(ids, contexts, targets) {
      ids.forEach((id, row) => {
        contexts.set(vectors.subarray(starts[id] * D, (starts[id] + T) * D), row * T * D);
        const target = starts[id] + T - 1 + targetStep;
        targets.set(vectors.subarray(target * D, (target + 1) * D), row * D);
      });
    },
  };
  const ids = Uint32Array.from(starts, (_, i) => i);
  return { split: { source, ids }, articleOf: Int32Array.from(starts, (s) => Math.floor(s / ARTICLE_LENGTH)) };
}

/** Every vector multiplied by one random orthogonal matrix, as if another encoder had made it. */
export function rotate({ vectors, articles }: Articles, seed: number): Articles {
  const random = new Random(seed);
  const basis: Float32Array[] = [];
  while (basis.length < D) {
    const v = Float32Array.from({ length: D }, () => random.normal());
    for (const b of basis) {
      const along = dot(v, 0, b, 0, D);
      for (let d = 0; d < D; d++) v[d] -= along * b[d];
    }
    basis.push(unitRows(v, D));
  }
  const rotated = new Float32Array(vectors.length);
  for (let row = 0; row * D < vectors.length; row++) {
    for (let d = 0; d < D; d++) rotated[row * D + d] = dot(vectors, row, basis[d], 0, D);
  }
  return { vectors: rotated, articles };
}

/** The same windows with transformed vectors. */
export function altered(set: WindowSet, alter: (contexts: Float32Array, targets: Float32Array) => void): WindowSet {
  const { source, ids } = set.split;
  const gather: WindowSource['gather'] = (of, contexts, targets) => {
    source.gather(of, contexts, targets);
    alter(contexts.subarray(0, of.length * T * D), targets.subarray(0, of.length * D));
  };
  return { ...set, split: { source: { ...source, gather }, ids } };
}

/** A kernel memory: rows of `values` weighted by exp(sharpness · cosine of the context mean and `keys`). */
function memoryModel(keys: Float32Array, values: Float32Array, sharpness: number): Predictor {
  const N = keys.length / D;
  // [D, N]: both products then run along n.
  const [keysT, valuesT] = [transposed(keys), transposed(values)];
  const weights = new Float64Array(N);
  return {
    predict(given, B) {
      const queries = unitRows(contextMeans(given, B, T, D), D);
      const raw = new Float32Array(B * D);
      for (let row = 0; row < B; row++) {
        weights.fill(0);
        for (let d = 0; d < D; d++) {
          const x = queries[row * D + d];
          for (let n = 0, at = d * N; n < N; n++) weights[n] += x * keysT[at + n];
        }
        let total = 0;
        for (let n = 0; n < N; n++) total += weights[n] = Math.exp(sharpness * (weights[n] - 1));
        for (let d = 0; d < D; d++) {
          let sum = 0;
          for (let n = 0, at = d * N; n < N; n++) sum += weights[n] * valuesT[at + n];
          raw[row * D + d] = sum / total;
        }
      }
      return { raw };
    },
  };
}

/** [N, D] → [D, N]. */
function transposed(rows: Float32Array): Float64Array {
  const N = rows.length / D;
  return Float64Array.from({ length: rows.length }, (_, i) => rows[(i % N) * D + Math.floor(i / N)]);
}

/** Learns the mean target of every training article. */
export function trainThemes({ split, articleOf }: WindowSet, sharpness = 12): Predictor {
  const articles = new Set(articleOf).size;
  const { targets } = allOf(split);
  const sums = new Float32Array(articles * D);
  split.ids.forEach((id, row) => {
    for (let d = 0; d < D; d++) sums[articleOf[id] * D + d] += targets[row * D + d];
  });
  const means = unitRows(sums, D);
  return memoryModel(means, means, sharpness);
}

/** Memorises the training windows. */
export function memoriseWindows({ split }: WindowSet): Predictor {
  const { contexts, targets } = allOf(split);
  return memoryModel(unitRows(contextMeans(contexts, split.ids.length, T, D), D), targets, 120);
}

function allOf({ source, ids }: Split): { contexts: Float32Array; targets: Float32Array } {
  const contexts = new Float32Array(ids.length * T * D);
  const targets = new Float32Array(ids.length * D);
  source.gather(ids, contexts, targets);
  return { contexts, targets };
}

/** Wraps a predictor and changes its output rows. */
export function distorted(model: Predictor, distort: (row: Float32Array) => void): Predictor {
  return {
    async predict(contexts, B) {
      const raw = (await model.predict(contexts, B)).raw.slice();
      for (let row = 0; row < B; row++) distort(raw.subarray(row * D, (row + 1) * D));
      return { raw };
    },
  };
}

/** Baselines defined in any vector space. */
export function simpleBaselines(): { contextMean: Predictor; lastVector: Predictor } {
  return {
    contextMean: { predict: (contexts, B) => ({ raw: contextMeans(contexts, B, T, D) }) },
    lastVector: {
      predict: (contexts, B) => {
        const raw = new Float32Array(B * D);
        for (let row = 0; row < B; row++) raw.set(contexts.subarray((row * T + T - 1) * D, (row + 1) * T * D), row * D);
        return { raw };
      },
    },
  };
}

/** Articles as the comparison of two data sets reads them. */
export function asData({ vectors, articles }: Articles): CompareData {
  const reader = {
    vectors: vectors.length / D,
    dtype: 'float32',
    range: (first: number, rows: number, out: Float32Array) => out.set(vectors.subarray(first * D, (first + rows) * D)),
    gather: (ids: Uint32Array, out: Float32Array) =>
      ids.forEach((id, row) => out.set(vectors.subarray(id * D, (id + 1) * D), row * D)),
  };
  const passport = {
    coherence: { mean: coherence(vectors) },
    norm: { mean: 1, std: 0 },
    value: {},
    positionToTarget: [],
  };
  return {
    D,
    fileVectors: reader.vectors,
    verified: () => Promise.resolve(reader),
    squares: new Float64Array(reader.vectors).fill(1),
    vectorArticles: Int32Array.from({ length: articles * ARTICLE_LENGTH }, (_, v) => Math.floor(v / ARTICLE_LENGTH)),
    meta: { passport, articles },
  } as unknown as CompareData;
}

function coherence(vectors: Float32Array): number {
  let sum = 0;
  let pairs = 0;
  for (let v = 0; (v + 1) * D < vectors.length; v++) {
    if ((v + 1) % ARTICLE_LENGTH === 0) continue;
    sum += dot(vectors, v, vectors, v + 1, D);
    pairs++;
  }
  return sum / pairs;
}

/** Strings that identify the vectors of some windows. */
function vectorWords(split: Split): Set<string> {
  const contexts = new Float32Array(T * D);
  const targets = new Float32Array(D);
  const seen = new Set<string>();
  for (const id of split.ids) {
    split.source.gather(Uint32Array.of(id), contexts, targets);
    for (let t = 0; t < T; t++) seen.add(contexts.subarray(t * D, t * D + 4).join());
    seen.add(targets.subarray(0, 4).join());
  }
  return seen;
}

/** Vectors two sets of windows share, counted over their distinct contexts and targets. */
export function sharedVectors(a: Split, b: Split): number {
  const other = vectorWords(b);
  return [...vectorWords(a)].filter((key) => other.has(key)).length;
}
