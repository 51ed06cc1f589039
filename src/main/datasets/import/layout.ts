/**
 * What columns a file holds: windows (contexts and targets, perhaps two splits) or chunks (vectors with article and chunk
 * numbers). Everything that follows from their descriptions is checked (`column-checks.ts`) before any data is read; columns
 * that are not needed are ignored.
 * N windows, T context length, D vector width, M chunks.
 */
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ArticleRule, Columns, Mapping } from '#shared/domain/datasets/mapping.ts';
import { rangeColumn } from '../../formats/columns/range-column.ts';
import { TABLE_FORMATS, allTexts, type Column, type DataFile, type Reading } from '../../formats/columns/table.ts';
import { requireAxes, requireEqual, requireFloats, requireSizes } from './column-checks.ts';
import { TARGET_TEXT_NAMES, chooseColumns, describeColumns, type ChunkColumns, type ColumnFacts } from './columns.ts';

export interface WindowColumns {
  readonly split: 'all' | 'train' | 'val';
  /** [N, T, D] */
  readonly contexts: Column;
  /** [N, D] */
  readonly targets: Column;
  /** Records, one a window. Described only when it is read, so that unusable metadata does not stop the import of the vectors. */
  readonly metadata: (() => Promise<Column>) | null;
  /** [N] article of each target, read where there is no metadata. */
  readonly articles: Column | null;
  readonly N: number;
}

export interface ChunkLayout {
  readonly kind: 'chunks';
  /** [M, D] */
  readonly vectors: Column;
  /** [M] numbers, or names. */
  readonly articles: Column | null;
  readonly chunks: Column | null;
  /** What an article is where no column says so. */
  readonly rule: ArticleRule | null;
  /** Of the texts, where the rule needs them. */
  readonly texts: Column | null;
  readonly M: number;
  readonly D: number;
}

export type Layout =
  | { readonly kind: 'windows'; readonly splits: readonly WindowColumns[]; readonly T: number; readonly D: number }
  | ChunkLayout;

const CONTEXT_NAMES = ['context_sequences', 'contexts'];
const TARGET_NAMES = ['target_vectors', 'targets'];
const ARTICLES = 'article_indices';
/** Of a table: `train` or `val`, the split that each window of the file belongs to. */
const FILE_SPLIT = 'file_split';

/** `texts`: column of the texts, where one is known. */
export async function recogniseLayout(file: DataFile, mapping: Mapping, texts: string | null): Promise<Layout> {
  const isMapped = Object.values(mapping).some((part) => part !== null);
  const windows = isMapped ? null : await recogniseWindows(file);
  if (windows) return windows;
  const known = (name: string): string | null => (file.names.includes(name) ? name : null);
  const isNpy = file.format === 'npy';
  const wanted = {
    ...mapping,
    // The array of a .npy file comes before those of its side files.
    vector: mapping.vector ?? known('vectors') ?? (isNpy ? file.names[0] : null),
    article: mapping.article ?? (mapping.articles ? null : known(isNpy ? 'articles' : ARTICLES)),
    order: mapping.order ?? known(isNpy ? 'order' : 'chunk_indices'),
  };
  const chosen = chooseColumns(file, await describeColumns(file), wanted);
  return checkChunks(file, chosen, { rule: mapping.articles, texts });
}

/** The columns that are read, named or guessed. `keptTexts`: column of the texts that are kept. */
export function columnsOf({ vectors, articles, chunks, rule, texts }: ChunkLayout, keptTexts?: string): Columns {
  const [article = null, order = null, text = null] = [articles, chunks, texts].map((column) => column?.name);
  return { vector: vectors.name, article, order, articles: rule, text: keptTexts ?? text };
}

/** Whether an import without a mapping would read windows. */
export function hasWindows({ names }: Pick<DataFile, 'names'>): boolean {
  return ['', 'train_'].some((prefix) => CONTEXT_NAMES.some((name) => names.includes(prefix + name)));
}

/** Columns of windows in a table, and what each is read as; null: it holds no windows. */
export function windowColumns(columns: readonly ColumnFacts[]) {
  const has = (names: readonly string[], reading: Reading, axes: number): ColumnFacts[] =>
    columns.filter((c) => names.includes(c.name) && c.shape.length === axes && c.readableAs.includes(reading));
  const [contexts] = has(CONTEXT_NAMES, 'floats', 2);
  const [targets] = has(TARGET_NAMES, 'floats', 2);
  if (!contexts || !targets) return null;
  const floats = [contexts, targets].map(({ name }) => ({ name, as: 'floats' as const }));
  const integers = has([ARTICLES], 'integers', 1).map(({ name }) => ({ name, as: 'integers' as const }));
  const texts = has([FILE_SPLIT, ...TARGET_TEXT_NAMES], 'texts', 1).map(({ name }) => ({ name, as: 'texts' as const }));
  return [...floats, ...integers, ...texts];
}

async function recogniseWindows(file: DataFile): Promise<Layout | null> {
  const main = (await findWindows(file, 'all', '')) ?? (await findWindows(file, 'train', 'train_'));
  if (!main) return null;
  const named = main.split === 'all' ? await splitByColumn(file, main) : null;
  if (named) return checkSplits(named);
  const val = await findWindows(file, 'val', 'val_');
  const first = val && main.split === 'all' ? { ...main, split: 'train' as const } : main;
  return checkSplits(val ? [first, val] : [first]);
}

async function findWindows(
  file: DataFile,
  split: WindowColumns['split'],
  prefix: string,
): Promise<WindowColumns | null> {
  const find = (names: readonly string[]): string | undefined =>
    names.map((name) => prefix + name).find((name) => file.names.includes(name));
  const contexts = find(CONTEXT_NAMES);
  const targets = find(TARGET_NAMES);
  if (contexts === undefined && targets === undefined) return null;
  if (contexts === undefined || targets === undefined) {
    const missing = contexts === undefined ? CONTEXT_NAMES : TARGET_NAMES;
    throw new NextvecError(
      'NO_KNOWN_ARRAYS',
      `${basename(file.path)}: "${contexts ?? targets}" is there, but no array named ${missing.map((m) => `"${prefix}${m}"`).join(' or ')}.`,
      { remedy: 'Store context and target arrays in one file.' },
    );
  }
  const metadata = `${prefix}metadata`;
  const targetColumn = await file.column(targets);
  const contextColumn = await file.column(contexts);
  const column = TABLE_FORMATS.includes(file.format) ? asContexts(contextColumn, targetColumn) : contextColumn;
  const [N] = column.shape;
  const articles = prefix + ARTICLES;
  return {
    split,
    contexts: column,
    targets: targetColumn,
    metadata: file.names.includes(metadata) ? () => file.column(metadata) : null,
    articles: file.names.includes(articles) ? ofWindows(await file.column(articles), N) : null,
    N,
  };
}

/** The column where it has one integer for each window; else null. */
function ofWindows(column: Column, N: number): Column | null {
  return column.shape.length === 1 && column.shape[0] === N && column.readableAs.includes('integers') ? column : null;
}

/** Tables have no rows of two axes: there a context is one list of T·D elements. */
function asContexts(contexts: Column, targets: Column): Column {
  const [N, W] = contexts.shape;
  const D = targets.shape[1];
  if (contexts.shape.length !== 2 || targets.shape.length !== 2 || W % D !== 0) return contexts;
  return { ...contexts, shape: [N, W / D, D] };
}

/** The two splits of a table that names them: first all windows of `train`, then those of `val`. null: it does not. */
async function splitByColumn(file: DataFile, windows: WindowColumns): Promise<WindowColumns[] | null> {
  const { contexts, targets, articles, N } = windows;
  if (!file.names.includes(FILE_SPLIT)) return null;
  const column = await file.column(FILE_SPLIT);
  if (!column.readableAs.includes('texts') || column.shape.length !== 1) return null;
  const names = await allTexts(column);
  const first = names.indexOf('val');
  const isSplit = names.length === N && first > 0 && names.every((name, i) => name === (i < first ? 'train' : 'val'));
  if (!isSplit) return null;
  const part = (split: 'train' | 'val', from: number, count: number): WindowColumns => ({
    split,
    contexts: rangeColumn(contexts, from, count),
    targets: rangeColumn(targets, from, count),
    metadata: null,
    articles: articles && rangeColumn(articles, from, count),
    N: count,
  });
  return [part('train', 0, first), part('val', first, N - first)];
}

function checkSplits(splits: readonly WindowColumns[]): Layout {
  for (const { contexts, targets } of splits) {
    requireFloats(contexts);
    requireFloats(targets);
    requireAxes(contexts, ['N', 'T', 'D']);
    requireAxes(targets, ['N', 'D']);
    requireEqual('rows', contexts, 0, targets, 0);
    requireEqual('columns', contexts, 2, targets, 1);
    requireSizes(contexts, contexts.shape[1], contexts.shape[2]);
  }
  const [first, second] = splits;
  const [, T, D] = first.contexts.shape;
  if (second) {
    requireEqual('context positions', first.contexts, 1, second.contexts, 1);
    requireEqual('columns', first.contexts, 2, second.contexts, 2);
  }
  return { kind: 'windows', splits, T, D };
}

async function checkChunks(
  file: DataFile,
  chosen: ChunkColumns,
  { rule, texts }: { readonly rule: ArticleRule | null; readonly texts: string | null },
): Promise<Layout> {
  const vectors = await file.column(chosen.vector);
  requireFloats(vectors);
  requireAxes(vectors, ['M', 'D']);
  const [M, D] = vectors.shape;
  requireSizes(vectors, 1, D);
  const beside = async (name: string | null): Promise<Column | null> => {
    if (name === null) return null;
    const column = await file.column(name);
    requireAxes(column, ['M']);
    requireEqual('rows', vectors, 0, column, 0);
    return column;
  };
  const articles = await beside(chosen.article);
  const chunks = await beside(chosen.order);
  if (rule?.by !== 'prefix') return { kind: 'chunks', vectors, articles, chunks, rule, texts: null, M, D };
  if (texts === null) throw noTexts(file);
  return { kind: 'chunks', vectors, articles, chunks, rule, texts: await file.column(texts), M, D };
}

function noTexts({ path }: DataFile): NextvecError {
  return new NextvecError(
    'NO_KNOWN_ARRAYS',
    `${basename(path)}: articles by a prefix need the texts, and no column of texts is known.`,
    {
      remedy: 'Name it with --text-column.',
    },
  );
}
