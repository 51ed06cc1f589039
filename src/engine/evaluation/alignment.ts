/**
 * Checks from the set alone whether targets follow their contexts: overlapping windows contain the successor of most
 * vectors, so a target that is not that successor reveals a shifted set. T context length, D width.
 */
import type { Alignment } from '#shared/domain/evaluation/evaluation.ts';
import type { WindowSource } from '../types.ts';
import { blocks, type Split } from './windows.ts';

/** Windows checked; far fewer reveal a shift. */
const MOST_WINDOWS = 50_000;

/** Where the successor of a window's last context vector stands: position `t` of window `window`. */
export interface Successor {
  /** Row of the split. */
  readonly row: number;
  readonly window: number;
  readonly t: number;
}

export interface SuccessorReport extends Omit<Alignment, 'successorCosine'> {
  readonly successors: readonly Successor[];
}

/** Compares every target with the vector that follows its context in another window. */
export function successors(split: Split): SuccessorReport {
  const ids = split.ids.subarray(0, MOST_WINDOWS);
  const { T } = split.source;
  const keys = vectorKeys({ source: split.source, ids });
  const next = followers(keys, ids, T);
  const ends = new Set(Array.from(ids, (_, row) => keys[row * (T + 1) + T - 1]));
  const found: Successor[] = [];
  let agreeing = 0;
  let inContext = 0;
  for (let row = 0; row < ids.length; row++) {
    const window = keys.subarray(row * (T + 1), (row + 1) * (T + 1));
    const target = window[T];
    if (window.subarray(0, T).includes(target)) inContext++;
    const after = next.get(window[T - 1]);
    if (after === undefined || after.key === null || !(next.has(target) || ends.has(target))) continue;
    found.push({ row, window: after.window, t: after.t });
    if (after.key === target) agreeing++;
  }
  return {
    checked: found.length,
    agreeing: found.length === 0 ? null : agreeing / found.length,
    targetInContext: ids.length === 0 ? null : inContext / ids.length,
    successors: found,
  };
}

interface Follower {
  /** null: more than one vector follows this one, so none can be expected. */
  key: number | null;
  readonly window: number;
  readonly t: number;
}

/** The successor of each vector that is followed by another one in some context. */
function followers(keys: Float64Array, ids: Uint32Array, T: number): Map<number, Follower> {
  const next = new Map<number, Follower>();
  for (let row = 0; row < ids.length; row++) {
    for (let t = 0; t + 1 < T; t++) {
      const key = keys[row * (T + 1) + t];
      const after = keys[row * (T + 1) + t + 1];
      const known = next.get(key);
      if (known === undefined) next.set(key, { key: after, window: ids[row], t: t + 1 });
      else if (known.key !== after) known.key = null;
    }
  }
  return next;
}

/** One number a vector, equal for equal vectors: its id where the source keeps an index, else a hash. [n, T + 1] */
function vectorKeys({ source, ids }: Split): Float64Array {
  return source.shared ? indexedKeys(source, ids, source.shared.index) : hashedKeys({ source, ids });
}

function indexedKeys({ T }: WindowSource, ids: Uint32Array, shared: SharedArrayBuffer): Float64Array {
  const index = new Uint32Array(shared);
  const keys = new Float64Array(ids.length * (T + 1));
  ids.forEach((id, row) => {
    for (let t = 0; t <= T; t++) keys[row * (T + 1) + t] = index[id * (T + 1) + t];
  });
  return keys;
}

function hashedKeys(split: Split): Float64Array {
  const { T, D } = split.source;
  const keys = new Float64Array(split.ids.length * (T + 1));
  for (const { contexts, targets, start, B } of blocks(split)) {
    const contextWords = new Uint32Array(contexts.buffer, contexts.byteOffset, contexts.length);
    const targetWords = new Uint32Array(targets.buffer, targets.byteOffset, targets.length);
    for (let row = 0; row < B; row++) {
      const at = (start + row) * (T + 1);
      for (let t = 0; t < T; t++) keys[at + t] = hash(contextWords, (row * T + t) * D, D);
      keys[at + T] = hash(targetWords, row * D, D);
    }
  }
  return keys;
}

/** 53 bits of two FNV-1a streams over the words of a row. */
function hash(words: Uint32Array, start: number, length: number): number {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = start; i < start + length; i++) {
    low = Math.imul(low ^ words[i], 0x01000193);
    high = Math.imul(high ^ words[i], 0x85ebca6b);
    high ^= high >>> 15;
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}
