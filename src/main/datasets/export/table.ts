/**
 * A stored set as a table: a row a chunk, or a row a window. Names are those that an import knows.
 * M chunks, N windows, T context length, D vector width.
 */
import { NextvecError } from '#shared/domain/errors.ts';
import type { Split } from '#shared/domain/recipe/recipe.ts';
import type { OutColumn, OutTable } from '../../formats/out/table.ts';
import type { Sections } from '../../formats/out/write.ts';
import type { Dataset } from '../dataset.ts';
import { splitDataset } from '../split/split.ts';
import type { VectorReader } from '../vector-reader.ts';
import { exportOrder } from './row-order.ts';

export interface TableOptions {
  readonly texts: boolean;
  /** Windows of a set of chunks; one of windows has no chunks. */
  readonly windows: boolean;
  /** Adds the side of each row in this split; null: no. */
  readonly split: { readonly split: Split; readonly seed: number } | null;
}

/** The split of the file it was imported from makes the sections. */
export type ExportTable = OutTable & Sections;

/** Throws STORE_DAMAGED, BAD_INPUT for windows with history, BAD_RECIPE for a split that the set cannot have. */
export async function exportTable(dataset: Dataset, options: TableOptions): Promise<ExportTable> {
  if (options.texts && !dataset.meta.passport.texts) {
    throw new NextvecError('BAD_INPUT', `${dataset.meta.source.name} was imported without texts.`, {
      remedy: 'Export it without --texts.',
    });
  }
  const reader = await dataset.verified();
  const sides = options.split && sidesOf(dataset, options.split);
  const { chunks } = dataset;
  return chunks && !options.windows
    ? chunkTable({ ...dataset, chunks }, reader, sides, options.texts)
    : windowTable(dataset, reader, sides, options.texts);
}

interface Sides {
  /** Of each window and of each vector: bit 0 training, bit 1 validation. */
  readonly windows: Uint8Array;
  readonly vectors: Uint8Array;
}

const SIDE_NAMES = ['neither', 'train', 'validation', 'both'] as const;

function sidesOf(dataset: Dataset, { split, seed }: NonNullable<TableOptions['split']>): Sides {
  const { train, val } = splitDataset(dataset, split, seed);
  const windows = new Uint8Array(dataset.windows);
  const vectors = new Uint8Array(dataset.meta.vectors);
  const width = dataset.T + 1;
  for (const [bit, side] of [train, val].entries()) {
    for (const w of side) {
      windows[w] |= 1 << bit;
      for (let i = w * width; i < (w + 1) * width; i++) vectors[dataset.index[i]] |= 1 << bit;
    }
  }
  return { windows, vectors };
}

function chunkTable(
  dataset: Dataset & { readonly chunks: NonNullable<Dataset['chunks']> },
  reader: VectorReader,
  sides: Sides | null,
  withTexts: boolean,
): ExportTable {
  const { ids, articles } = dataset.chunks;
  const order = exportOrder(ids, articles) ?? Uint32Array.from(ids, (_, i) => i);
  const labels = dataset.articleLabels ?? Float64Array.of(0);
  const numbers = numbersInArticles(articles);
  const rows = (first: number, count: number): Uint32Array => order.subarray(first, first + count);
  const idsOf = (first: number, count: number): Uint32Array => rows(first, count).map((row) => ids[row]);
  const columns: OutColumn[] = [
    integers('article_indices', (first, count) => Array.from(rows(first, count), (row) => labels[articles[row]])),
    integers('chunk_indices', (first, count) => Array.from(rows(first, count), (row) => numbers[row])),
    vectors('vectors', reader, [reader.D], idsOf),
  ];
  if (withTexts) columns.push(texts('concept_texts', dataset, idsOf));
  if (sides) columns.push(splitColumn((first, count) => Array.from(idsOf(first, count), (id) => sides.vectors[id])));
  return { rows: ids.length, columns, ...oneSection(ids.length) };
}

/** Place of each chunk in its article; `articles` [M] in reading order. */
function numbersInArticles(articles: Int32Array): Uint32Array {
  const next = new Uint32Array(articles.reduce((most, article) => Math.max(most, article), 0) + 1);
  return Uint32Array.from(articles, (article) => next[article]++);
}

function windowTable(dataset: Dataset, reader: VectorReader, sides: Sides | null, withTexts: boolean): ExportTable {
  const { T, D, index, windows, windowArticles, articleLabels, meta } = dataset;
  if (meta.passport.history !== null) {
    throw new NextvecError(
      'BAD_INPUT',
      `${meta.source.name} has windows with history, which no file of windows holds.`,
      {
        remedy: 'Export its chunks, and import them with --history.',
      },
    );
  }
  const contextIds = (first: number, count: number): Uint32Array =>
    index.subarray(first * (T + 1), (first + count) * (T + 1)).filter((_, i) => i % (T + 1) < T);
  const targetIds = (first: number, count: number): Uint32Array =>
    Uint32Array.from({ length: count }, (_, i) => index[(first + i) * (T + 1) + T]);
  const columns: OutColumn[] = [
    vectors('context_sequences', reader, [T, D], contextIds),
    vectors('target_vectors', reader, [D], targetIds),
  ];
  if (windowArticles && articleLabels) {
    const labelsOf = (first: number, count: number): number[] =>
      Array.from(windowArticles.subarray(first, first + count), (article) => articleLabels[article]);
    columns.push(integers('article_indices', labelsOf));
  }
  if (withTexts) columns.push(texts('target_texts', dataset, targetIds));
  if (sides) columns.push(splitColumn((first, count) => sides.windows.subarray(first, first + count)));
  const [own, other] = meta.splits;
  if (!other) return { rows: windows, columns, ...oneSection(windows) };
  const fileSplit: OutColumn = {
    kind: 'texts',
    name: 'file_split',
    read: (first, count) => Array.from({ length: count }, (_, i) => (first + i < other.first ? own : other).name),
  };
  const sections = meta.splits.map(({ name, first, count }) => ({ prefix: `${name}_`, first, count }));
  return { rows: windows, columns, sections, fileSplit };
}

function oneSection(count: number): Sections {
  return { sections: [{ prefix: '', first: 0, count }], fileSplit: null };
}

type Ids = (first: number, count: number) => Uint32Array;

function vectors(name: string, reader: VectorReader, shape: readonly number[], idsOf: Ids): OutColumn {
  const read = (first: number, count: number): Uint8Array<ArrayBuffer> => reader.gatherRaw(idsOf(first, count));
  return { kind: 'vectors', name, dtype: reader.dtype, shape, read };
}

function integers(name: string, values: (first: number, count: number) => number[]): OutColumn {
  return { kind: 'integers', name, read: (first, count) => BigInt64Array.from(values(first, count), BigInt) };
}

function texts(name: string, dataset: Pick<Dataset, 'texts'>, idsOf: Ids): OutColumn {
  const reader = dataset.texts();
  return { kind: 'texts', name, read: (first, count) => Array.from(idsOf(first, count), (id) => reader.text(id)) };
}

/** `sidesOf`: bits as of `Sides`. */
function splitColumn(of: (first: number, count: number) => ArrayLike<number>): OutColumn {
  return {
    kind: 'texts',
    name: 'split',
    read: (first, count) => Array.from(of(first, count), (bits) => SIDE_NAMES[bits]),
  };
}
