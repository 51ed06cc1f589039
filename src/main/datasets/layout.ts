/**
 * Recognises what a file of arrays is: windows (context and target arrays, perhaps two splits) or chunks (vectors with
 * article and chunk numbers). Everything that headers can tell is checked here, before any data is read.
 * N windows, T context length, D vector width, M chunks.
 */
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ArrayFile, ArrayInfo } from '../formats/arrays.ts';

const MAX_T = 4096;
const MAX_D = 65_536;
const MAX_ROW_ELEMENTS = 1 << 24;
const MAX_WINDOWS = 2 ** 31;

export interface WindowArrays {
  readonly split: 'all' | 'train' | 'val';
  /** [N, T, D] */
  readonly contexts: ArrayInfo;
  /** [N, D] */
  readonly targets: ArrayInfo;
  /** Pickled dicts, one a window. */
  readonly metadata: ArrayInfo | null;
  readonly N: number;
}

export type Layout =
  | { readonly kind: 'windows'; readonly splits: readonly WindowArrays[]; readonly T: number; readonly D: number }
  | {
      readonly kind: 'chunks';
      /** [M, D] */
      readonly vectors: ArrayInfo;
      readonly articles: ArrayInfo | null;
      readonly chunks: ArrayInfo | null;
      readonly M: number;
      readonly D: number;
    };

const CONTEXT_NAMES = ['context_sequences', 'contexts'];
const TARGET_NAMES = ['target_vectors', 'targets'];

export function recogniseLayout(file: ArrayFile): Layout {
  const name = basename(file.path);
  const arrays = new Map(file.arrays.map((array) => [array.name, array]));
  const main = findWindows(arrays, 'all', '', name) ?? findWindows(arrays, 'train', 'train_', name);
  if (main) {
    const val = findWindows(arrays, 'val', 'val_', name);
    const first = val && main.split === 'all' ? { ...main, split: 'train' as const } : main;
    return checkSplits(val ? [first, val] : [first]);
  }
  const vectors = arrays.get('vectors') ?? loneMatrix(file);
  if (vectors) return checkChunks(vectors, arrays);
  throw new NextvecError(
    'NO_KNOWN_ARRAYS',
    `${name}: no array has a known name; it holds ${[...arrays.keys()].map((key) => `"${key}"`).join(', ') || 'none'}.`,
    {
      remedy:
        'Name the arrays context_sequences [N,T,D] and target_vectors [N,D], or vectors [M,D] with article_indices and chunk_indices.',
    },
  );
}

/** A .npy file holds one array; with two axes it is vectors. */
function loneMatrix(file: ArrayFile): ArrayInfo | undefined {
  const [only] = file.arrays;
  return file.arrays.length === 1 && only.member.storedBytes === file.bytes && only.shape.length === 2
    ? only
    : undefined;
}

function findWindows(
  arrays: ReadonlyMap<string, ArrayInfo>,
  split: WindowArrays['split'],
  prefix: string,
  file: string,
): WindowArrays | null {
  const find = (names: readonly string[]): ArrayInfo | undefined =>
    names.map((name) => arrays.get(prefix + name)).find((array) => array !== undefined);
  const contexts = find(CONTEXT_NAMES);
  const targets = find(TARGET_NAMES);
  if (!contexts && !targets) return null;
  if (!contexts || !targets) {
    const [there, missing] = contexts ? [contexts, TARGET_NAMES] : [targets, CONTEXT_NAMES];
    throw new NextvecError(
      'NO_KNOWN_ARRAYS',
      `${file}: "${there?.name}" is there, but no array named ${missing.map((m) => `"${prefix}${m}"`).join(' or ')}.`,
      { remedy: 'Store context and target arrays in one file.' },
    );
  }
  return { split, contexts, targets, metadata: arrays.get(`${prefix}metadata`) ?? null, N: contexts.shape[0] };
}

function checkSplits(splits: readonly WindowArrays[]): Layout {
  for (const { contexts, targets } of splits) {
    requireAxes(contexts, ['N', 'T', 'D']);
    requireAxes(targets, ['N', 'D']);
    requireFloats(contexts);
    requireFloats(targets);
    requireEqual('COUNT_MISMATCH', contexts, targets, 0, 0, 'rows');
    requireEqual('WIDTH_MISMATCH', contexts, targets, 2, 1, 'columns');
    requireSizes(contexts, contexts.shape[1], contexts.shape[2]);
  }
  const [first, second] = splits;
  const [, T, D] = first.contexts.shape;
  if (second) {
    requireEqual('WIDTH_MISMATCH', first.contexts, second.contexts, 1, 1, 'context positions');
    requireEqual('WIDTH_MISMATCH', first.contexts, second.contexts, 2, 2, 'columns');
  }
  return { kind: 'windows', splits, T, D };
}

function checkChunks(vectors: ArrayInfo, arrays: ReadonlyMap<string, ArrayInfo>): Layout {
  requireAxes(vectors, ['M', 'D']);
  requireFloats(vectors);
  const [M, D] = vectors.shape;
  requireSizes(vectors, 1, D);
  const numbers = (name: string): ArrayInfo | null => {
    const array = arrays.get(name);
    if (!array) return null;
    requireAxes(array, ['M']);
    requireEqual('COUNT_MISMATCH', vectors, array, 0, 0, 'rows');
    return array;
  };
  return { kind: 'chunks', vectors, articles: numbers('article_indices'), chunks: numbers('chunk_indices'), M, D };
}

function requireAxes(array: ArrayInfo, axes: readonly string[]): void {
  if (array.shape.length === axes.length) return;
  throw new NextvecError(
    'WRONG_RANK',
    `${array.place}: ${axes.length} axes [${axes.join(', ')}] were expected, its shape is (${array.shape.join(', ')}).`,
    { remedy: `Reshape "${array.name}" to [${axes.join(', ')}].` },
  );
}

function requireFloats(array: ArrayInfo): void {
  if (array.dtype.kind === 'f' || array.dtype.kind === 'bf') return;
  throw new NextvecError(
    'UNSUPPORTED_DTYPE',
    `${array.place}: vectors must be floats, this array is ${array.dtype.label}.`,
    {
      remedy: 'Store the embeddings themselves as float16, float32 or float64.',
    },
  );
}

function requireEqual(
  code: 'COUNT_MISMATCH' | 'WIDTH_MISMATCH',
  a: ArrayInfo,
  b: ArrayInfo,
  axisA: number,
  axisB: number,
  what: string,
): void {
  if (a.shape[axisA] === b.shape[axisB]) return;
  throw new NextvecError(
    code,
    `${a.place} has ${a.shape[axisA]} ${what}, but ${b.name} has ${b.shape[axisB]}; they must be equal.`,
    { remedy: 'Write both arrays from the same run of the pipeline.' },
  );
}

function requireSizes(array: ArrayInfo, T: number, D: number): void {
  const rows = array.shape[0];
  if (rows === 0 || T === 0 || D === 0) {
    throw new NextvecError('EMPTY', `${array.place}: the array is empty, its shape is (${array.shape.join(', ')}).`, {
      remedy: 'Choose a file that holds at least one row.',
    });
  }
  if (T <= MAX_T && D <= MAX_D && T * D <= MAX_ROW_ELEMENTS && rows * (T + 1) <= MAX_WINDOWS) return;
  throw new NextvecError(
    'OUT_OF_RANGE',
    `${array.place}: shape (${array.shape.join(', ')}) is beyond what is supported (T ≤ ${MAX_T}, D ≤ ${MAX_D}).`,
  );
}
