/** Which columns of a file are its chunks: named by the user, or guessed by name and type. R rows. */
import { basename } from 'node:path';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import type { Mapping } from '#shared/domain/datasets/mapping.ts';
import { nameList } from '#shared/domain/short-text.ts';
import { TABLE_FORMATS, type Column, type DataFile, type Reading } from '../../formats/columns/table.ts';

export interface ColumnFacts {
  readonly name: string;
  /** Element type as it is stored. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly readableAs: readonly Reading[];
}

export interface ChunkColumns {
  readonly vector: string;
  readonly article: string | null;
  readonly order: string | null;
}

const VECTOR_NAMES = ['vectors', 'vector', 'embeddings', 'embedding', 'emb', 'embs'];
/** A name is split at its underscores; a column of articles has one of these words and perhaps one of NUMBER_WORDS. */
const ARTICLE_WORDS = [
  'article',
  'articles',
  'doc',
  'docs',
  'document',
  'source',
  'book',
  'speech',
  'page',
  'paper',
  'file',
  'title',
  'conversation',
  'thread',
  'session',
];
const ORDER_WORDS = [
  'chunk',
  'chunks',
  'pos',
  'position',
  'order',
  'seq',
  'sequence',
  'sentence',
  'sent',
  'paragraph',
  'para',
  'line',
  'turn',
  'segment',
  'index',
  'idx',
];
const NUMBER_WORDS = ['id', 'ids', 'idx', 'index', 'indices', 'no', 'nr', 'num', 'number', 'key', 'name'];
/** Names of columns with one text a chunk. */
export const TEXT_NAMES = ['concept_texts', 'texts', 'text', 'chunk_text', 'content'];
/** Names of columns with one text a window: that of its target. */
export const TARGET_TEXT_NAMES = ['target_texts', ...TEXT_NAMES];

export interface Described<C extends ColumnFacts = ColumnFacts> {
  readonly columns: readonly C[];
  /** Why the first column that cannot be described cannot; null: each can. */
  readonly fault: NextvecError | null;
}

/** A column that cannot be described does not stop the import of others. */
export async function describeColumns(file: DataFile): Promise<Described<Column>> {
  const columns: Column[] = [];
  let fault: NextvecError | null = null;
  for (const name of file.names) {
    try {
      columns.push(await file.column(name));
    } catch (error) {
      if (!isNextvecError(error)) throw error;
      fault ??= error;
    }
  }
  return { columns, fault };
}

/** The guess for what the user left open; null: there is no column of vectors, or several that could be. */
export function guessColumns(columns: readonly ColumnFacts[], mapping: Mapping): ChunkColumns | null {
  const vectors = columns.filter(isVectors);
  const vector =
    mapping.vector ?? VECTOR_NAMES.find((name) => vectors.some((column) => column.name === name)) ?? onlyName(vectors);
  if (vector === null) return null;
  const rows = columns.find(({ name }) => name === vector)?.shape[0];
  const beside = columns.filter(({ name, shape }) => name !== vector && shape.length === 1 && shape[0] === rows);
  const order = mapping.order ?? find(beside, (column) => column.readableAs.includes('integers'), ORDER_WORDS);
  const others = beside.filter(({ name }) => name !== order);
  const article = mapping.article ?? (mapping.articles ? null : find(others, isKey, ARTICLE_WORDS));
  return { vector, article, order: order || null };
}

/** Throws NO_KNOWN_ARRAYS where no column of vectors is found, nothing says what an article is, or a column that was named is not there. */
export function chooseColumns(
  file: Pick<DataFile, 'path' | 'names' | 'format'>,
  { columns, fault }: Described,
  mapping: Mapping,
): ChunkColumns {
  for (const name of [mapping.vector, mapping.article, mapping.order]) {
    if (name && !file.names.includes(name)) throw noColumn(file, name);
  }
  const chosen = guessColumns(columns, mapping);
  if (chosen) {
    if (chosen.article !== null || mapping.articles !== null || isKnownArray(file, chosen)) return chosen;
    throw columns.some(isContexts) ? noKnownArray(file) : noArticles(file);
  }
  // It may have been the one.
  if (fault) throw fault;
  const several = columns.filter(isVectors).map(({ name }) => name);
  const name = basename(file.path);
  if (several.length > 1) {
    throw new NextvecError(
      'NO_KNOWN_ARRAYS',
      `${name}: several columns could be the vectors: ${quotedNames(several)}.`,
      {
        remedy: 'Name the one that is with --vector-column.',
      },
    );
  }
  if (TABLE_FORMATS.includes(file.format)) throw noVectors(name, columns);
  throw noKnownArray(file);
}

function noKnownArray({ path, names }: Pick<DataFile, 'path' | 'names'>): NextvecError {
  return new NextvecError(
    'NO_KNOWN_ARRAYS',
    `${basename(path)}: no array has a known name; it holds ${quotedNames(names) || 'none'}.`,
    {
      remedy:
        'Name the arrays context_sequences [N,T,D] and target_vectors [N,D], or vectors [M,D] with article_indices and chunk_indices.',
    },
  );
}

/** Of a table. */
function noVectors(file: string, columns: readonly ColumnFacts[]): NextvecError {
  const held = nameList(columns.map(({ name, dtype }) => `"${name}" (${dtype})`)) || 'nothing that is read';
  return new NextvecError('NO_KNOWN_ARRAYS', `${file}: no column holds vectors; it holds ${held}.`, {
    remedy:
      'Each row needs a list of floats, of one length in all rows: repair the rows, or name the column with --vector-column.',
  });
}

/** Arrays of the name or the format that has always been read: imported as one article, with a warning. */
function isKnownArray({ format }: Pick<DataFile, 'format'>, { vector }: ChunkColumns): boolean {
  return format === 'npy' || (vector === 'vectors' && (format === 'npz' || format === 'safetensors'));
}

function noArticles({ path }: Pick<DataFile, 'path'>): NextvecError {
  return new NextvecError('NO_KNOWN_ARRAYS', `${basename(path)}: no column says to which article a row belongs.`, {
    remedy:
      'Name it with --article-column, or say with --articles what an article is: by-file, prefix:TEXT or split:THRESHOLD.',
  });
}

export function noColumn(file: Pick<DataFile, 'path' | 'names'>, name: string): NextvecError {
  return new NextvecError('NO_KNOWN_ARRAYS', `${basename(file.path)} has no column "${name}".`, {
    remedy: `Its columns are ${quotedNames(file.names)}.`,
  });
}

function quotedNames(names: readonly string[]): string {
  return nameList(names.map((name) => `"${name}"`));
}

function isVectors({ shape, readableAs }: ColumnFacts): boolean {
  return shape.length === 2 && shape[1] > 1 && readableAs.includes('floats');
}

/** [N, T, D]: the contexts of windows, under a name that is not known. */
function isContexts({ shape }: ColumnFacts): boolean {
  return shape.length === 3;
}

function isKey({ readableAs }: ColumnFacts): boolean {
  return readableAs.includes('integers') || readableAs.includes('texts');
}

function onlyName(columns: readonly ColumnFacts[]): string | null {
  return columns.length === 1 ? columns[0].name : null;
}

/** The first column whose name consists of one of the words, alone or with a word for "number"; words in order of preference. */
function find(
  columns: readonly ColumnFacts[],
  fits: (column: ColumnFacts) => boolean,
  words: readonly string[],
): string | null {
  const usable = columns.filter(fits);
  for (const word of words) {
    const found = usable.find(({ name }) => {
      const parts = name
        .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
        .toLowerCase()
        .split(/[^a-z]+/)
        .filter(Boolean);
      const rest = parts.filter((part) => part !== word);
      return rest.length < parts.length && rest.every((part) => NUMBER_WORDS.includes(part));
    });
    if (found) return found.name;
  }
  return null;
}
