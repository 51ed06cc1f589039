/**
 * Training and validation windows of a data set, and the proof that the two sides share nothing. A split by article
 * keeps every article on one side and then drops the training windows that still hold a vector of the validation side.
 * T context length, V distinct vectors.
 */
import { stream } from '#engine/random.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { DataWarning } from '#shared/domain/datasets/passport.ts';
import type { Split } from '#shared/domain/recipe/recipe.ts';
import type { Dataset } from '../dataset.ts';
import { withoutArticles } from './excluded-articles.ts';
import { groupBySharedVectors } from './groups.ts';

export interface DatasetSplit {
  readonly kind: Split['kind'];
  /** Window ids, ascending. */
  readonly train: Uint32Array;
  readonly val: Uint32Array;
  /** Articles (or groups of windows that share vectors) on each side; null for a random or file split. */
  readonly trainGroups: number | null;
  readonly valGroups: number | null;
  /** Windows on neither side, because they would have put a vector or an article on both. */
  readonly dropped: number;
  readonly warnings: readonly DataWarning[];
}

/** The parts of a data set a split depends on. */
export type SplitData = Pick<
  Dataset,
  'T' | 'index' | 'windows' | 'windowArticles' | 'articleLabels' | 'vectorArticles' | 'meta'
>;

/** Throws BAD_RECIPE where the set cannot be split so. Excluded articles change nothing but which windows are trained on. */
export function splitDataset(dataset: SplitData, split: Split, seed: number): DatasetSplit {
  const drawn = drawSplit(dataset, split, seed);
  return split.excludedArticles === undefined ? drawn : excludeArticles(drawn, dataset, split.excludedArticles);
}

function drawSplit(dataset: SplitData, split: Split, seed: number): DatasetSplit {
  if (split.kind === 'file') return splitByFile(dataset);
  if (split.kind === 'random') return splitAtRandom(dataset, split.validationShare, seed);
  return splitByArticle(dataset, split.validationShare, seed);
}

function excludeArticles(split: DatasetSplit, dataset: SplitData, list: string): DatasetSplit {
  const train = withoutArticles(dataset, split.train, list);
  const count = split.train.length - train.length;
  const message = `${count} windows of excluded articles are left out of training.`;
  return {
    ...split,
    train,
    trainGroups: split.trainGroups && new Set(train.map((w) => dataset.windowArticles?.[w] ?? 0)).size,
    dropped: split.dropped + count,
    warnings: [...split.warnings, { code: 'WINDOWS_DROPPED', message, count }],
  };
}

const NEITHER = 0;
const TRAIN = 1;
const VAL = 2;

function splitByArticle(dataset: SplitData, share: number, seed: number): DatasetSplit {
  const { T, windows, index, vectorArticles, windowArticles } = dataset;
  const V = vectorArticles.length;
  const wanted = Math.max(1, Math.round(windows * share));
  const { groups, count, cuts } = windowArticles
    ? { groups: windowArticles, count: dataset.meta.articles ?? 0, cuts: 0 }
    : groupBySharedVectors(index, T, V, Math.max(1, wanted));
  const inVal = drawGroups(groups, count, wanted, seed);
  const sides = Uint8Array.from(groups, (group) => (inVal[group] === 1 ? VAL : TRAIN));
  if (windowArticles) dropMixedArticles(sides, dataset, inVal);
  dropSharedVectors(sides, index, T, V);
  const result = collect(sides, 'article');
  if (result.train.length === 0 || result.val.length === 0) {
    throw count < 2 ? cannotSplit(count) : allShared(windows, V);
  }
  const warnings: DataWarning[] = [];
  if (result.dropped > 0) {
    const message = `${result.dropped} windows were left out because they would have put a vector or an article on both sides.`;
    warnings.push({ code: 'WINDOWS_DROPPED', message, count: result.dropped });
  }
  if (!windowArticles) {
    const cut = cuts > 0 ? ` Long chains were cut in ${cuts} places.` : '';
    const message = `The file does not say its articles; windows that share vectors count as one article (${count} groups).${cut}`;
    warnings.push({ code: 'NO_ARTICLES', message, count });
  }
  const used = (side: number): number => new Set(groups.filter((_, w) => sides[w] === side)).size;
  const valGroups = used(VAL);
  if (valGroups < 5) {
    const message = `Validation has ${valGroups} articles only; its figures will vary much with the seed.`;
    warnings.push({ code: 'FEW_ARTICLES', message, count: valGroups });
  }
  return { ...result, trainGroups: used(TRAIN), valGroups, warnings };
}

/** Draws groups until validation has the windows wanted; one that would overshoot by half is passed over. */
function drawGroups(groups: Int32Array, count: number, wanted: number, seed: number): Uint8Array {
  const sizes = new Uint32Array(count);
  for (const group of groups) sizes[group]++;
  const order = Uint32Array.from({ length: count }, (_, group) => group);
  stream(seed, 'split').shuffle(order);
  const inVal = new Uint8Array(count);
  let taken = 0;
  for (const group of order) {
    if (taken >= wanted) break;
    if (sizes[group] === 0 || taken + sizes[group] > wanted * 1.5) continue;
    inVal[group] = 1;
    taken += sizes[group];
  }
  if (taken === 0) {
    const smallest = order.filter((group) => sizes[group] > 0).reduce((a, b) => (sizes[b] < sizes[a] ? b : a));
    inVal[smallest] = 1;
  }
  return inVal;
}

/** Drops windows that hold a vector of an article of the other side (they cross a boundary). */
function dropMixedArticles(sides: Uint8Array, dataset: SplitData, inVal: Uint8Array): void {
  const { T, index, vectorArticles } = dataset;
  for (let i = 0; i < index.length; i++) {
    const article = vectorArticles[index[i]];
    if (article < 0) continue;
    const w = Math.floor(i / (T + 1));
    if (sides[w] !== NEITHER && sides[w] !== (inVal[article] === 1 ? VAL : TRAIN)) sides[w] = NEITHER;
  }
}

/** Drops training windows that hold a vector of a validation window. */
function dropSharedVectors(sides: Uint8Array, index: Uint32Array, T: number, V: number): void {
  const inVal = new Uint8Array(V);
  for (let i = 0; i < index.length; i++) if (sides[Math.floor(i / (T + 1))] === VAL) inVal[index[i]] = 1;
  for (let i = 0; i < index.length; i++) {
    const w = Math.floor(i / (T + 1));
    if (sides[w] === TRAIN && inVal[index[i]] === 1) sides[w] = NEITHER;
  }
}

function collect(sides: Uint8Array, kind: Split['kind']): Pick<DatasetSplit, 'kind' | 'train' | 'val' | 'dropped'> {
  const ids = (side: number): Uint32Array =>
    Uint32Array.from({ length: sides.length }, (_, w) => w).filter((w) => sides[w] === side);
  const train = ids(TRAIN);
  const val = ids(VAL);
  return { kind, train, val, dropped: sides.length - train.length - val.length };
}

function splitAtRandom(dataset: SplitData, share: number, seed: number): DatasetSplit {
  const order = Uint32Array.from({ length: dataset.windows }, (_, w) => w);
  stream(seed, 'split').shuffle(order);
  const valCount = Math.min(dataset.windows - 1, Math.max(1, Math.round(dataset.windows * share)));
  if (valCount < 1) throw cannotSplit(dataset.windows);
  const val = order.slice(0, valCount).toSorted();
  const train = order.slice(valCount).toSorted();
  const { sharedVectors } = proveNoLeak(dataset, train, val);
  const message = `A random split puts ${sharedVectors} vectors on both sides; its validation figures are too good.`;
  const warnings: DataWarning[] = [{ code: 'RANDOM_SPLIT', message, count: sharedVectors }];
  return { kind: 'random', train, val, trainGroups: null, valGroups: null, dropped: 0, warnings };
}

function splitByFile(dataset: SplitData): DatasetSplit {
  const [first, second] = dataset.meta.splits;
  if (!second) {
    throw new NextvecError('BAD_RECIPE', 'The data set does not bring a split of its own (train_* and val_* arrays).', {
      remedy: 'Choose the split by article.',
    });
  }
  const train = idRange(first);
  const val = idRange(second);
  const { sharedVectors } = proveNoLeak(dataset, train, val);
  const message = `The file's own split has ${sharedVectors} vectors on both sides; its validation figures are too good.`;
  const warnings: DataWarning[] = sharedVectors > 0 ? [{ code: 'SPLITS_OVERLAP', message, count: sharedVectors }] : [];
  return { kind: 'file', train, val, trainGroups: null, valGroups: null, dropped: 0, warnings };
}

function idRange({ first, count }: { first: number; count: number }): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => first + i);
}

function cannotSplit(groups: number): NextvecError {
  return new NextvecError('BAD_RECIPE', `The data set has ${groups} separate articles; a split needs at least two.`, {
    remedy: 'Add articles, or choose a random split and mistrust its validation figures.',
  });
}

function allShared(windows: number, V: number): NextvecError {
  const what = `its ${windows} windows hold only ${V} different vectors`;
  return new NextvecError(
    'BAD_RECIPE',
    `No split by article keeps vectors on one side: ${what}, shared by all articles.`,
    {
      remedy: 'Remove repeated vectors from the data, or choose a random split and mistrust its validation figures.',
    },
  );
}

export interface LeakProof {
  /** Articles with vectors on both sides; null where articles are not known. */
  readonly sharedArticles: number | null;
  /** Distinct vectors on both sides. */
  readonly sharedVectors: number;
  readonly trainArticles: number | null;
  readonly valArticles: number | null;
  readonly ok: boolean;
}

/** Counts, exactly, what training and validation windows have in common. Vectors are compared by their bits. */
export function proveNoLeak(dataset: SplitData, train: Uint32Array, val: Uint32Array): LeakProof {
  const trainVectors = vectorsOf(dataset, train);
  const valVectors = vectorsOf(dataset, val);
  let sharedVectors = 0;
  for (let v = 0; v < trainVectors.length; v++) sharedVectors += trainVectors[v] & valVectors[v];
  if (!dataset.windowArticles) {
    return { sharedArticles: null, sharedVectors, trainArticles: null, valArticles: null, ok: sharedVectors === 0 };
  }
  const trainArticles = articlesOf(dataset, train, trainVectors);
  const valArticles = articlesOf(dataset, val, valVectors);
  const sharedArticles = [...trainArticles].filter((article) => valArticles.has(article)).length;
  return {
    sharedArticles,
    sharedVectors,
    trainArticles: trainArticles.size,
    valArticles: valArticles.size,
    ok: sharedVectors === 0 && sharedArticles === 0,
  };
}

/** 1 for every distinct vector that one of the windows contains. */
export function vectorsOf(
  dataset: Pick<SplitData, 'T' | 'index' | 'vectorArticles'>,
  windows: Uint32Array,
): Uint8Array {
  const width = dataset.T + 1;
  const seen = new Uint8Array(dataset.vectorArticles.length);
  for (const w of windows) for (let i = w * width; i < (w + 1) * width; i++) seen[dataset.index[i]] = 1;
  return seen;
}

function articlesOf(dataset: SplitData, windows: Uint32Array, vectors: Uint8Array): Set<number> {
  const articles = new Set<number>();
  for (const w of windows) articles.add(dataset.windowArticles?.[w] ?? -1);
  for (let v = 0; v < vectors.length; v++) if (vectors[v] === 1) articles.add(dataset.vectorArticles[v]);
  return new Set([...articles].filter((article) => article >= 0));
}
