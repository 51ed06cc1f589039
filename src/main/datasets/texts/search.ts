/**
 * Search for words in the texts of a stored set. The index is a file beside the texts, built on the first search. V distinct
 * vectors, T context length.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { TextHit } from '#shared/contract/datasets.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import {
  isTextIndex,
  searchTextIndex,
  writeTextIndex,
  type IndexedPlace,
  type IndexedText,
} from '../../store/text-index.ts';
import { openDataset, type Dataset } from '../dataset.ts';
import { shownText } from '../places.ts';
import { readMeta } from '../store-files.ts';
import { openTexts } from './text-store.ts';

const INDEX = 'text-index.db';
const TEMPORARY = '.tmp';

export interface TextSearch {
  readonly words: string;
  /** Most hits. */
  readonly limit: number;
}

/** Whether a search need not build the index first. */
export function hasTextIndex(folder: string): boolean {
  return isTextIndex(join(folder, INDEX));
}

/** Hits in the order of the file. Builds the index where there is none that can be read. */
export function searchTexts(folder: string, { words, limit }: TextSearch): TextHit[] {
  const meta = readMeta(folder);
  if (!meta.passport.texts) {
    throw new NextvecError('BAD_INPUT', `${meta.source.name} was imported without texts.`, {
      remedy: 'Import a file with texts, one for each vector.',
    });
  }
  const path = join(folder, INDEX);
  let places: IndexedPlace[] | null = searchTextIndex(path, words, limit);
  if (places === null) {
    buildTextIndex(folder);
    places = searchTextIndex(path, words, limit);
  }
  if (places === null) {
    throw new NextvecError('STORE_DAMAGED', `The text index ${path} cannot be read.`, {
      remedy: 'Delete this file; it is made again at the next search.',
    });
  }
  const texts = openTexts(folder, meta);
  try {
    return places.map((place) => ({ ...place, text: shownText(texts.text(place.vector)) }));
  } finally {
    texts.close();
  }
}

/** Removes what killed index builds have left in the folder of a set. */
export function removeUnfinishedIndexes(folder: string): void {
  const unfinished = readdirSync(folder).filter((name) => name.startsWith(`${INDEX}.`) && name.endsWith(TEMPORARY));
  for (const name of unfinished) rmSync(join(folder, name), { force: true });
}

/** Writes the index anew; it takes the place of the one before when it is complete. */
export function buildTextIndex(folder: string): void {
  const temporary = join(folder, `${INDEX}.${randomUUID().slice(0, 8)}${TEMPORARY}`);
  using dataset = openDataset(folder);
  try {
    writeTextIndex(temporary, indexedTexts(dataset));
    renameSync(temporary, join(folder, INDEX));
  } finally {
    rmSync(temporary, { force: true });
  }
}

function* indexedTexts({ meta, vectorArticles, articleLabels, chunks, texts, ...windows }: Dataset) {
  const V = meta.vectors;
  const { window, isTarget } = windowsOfVectors(windows, V);
  const chunkOf = new Int32Array(V).fill(-1);
  chunks?.ids.forEach((vector, chunk) => {
    if (chunkOf[vector] === -1) chunkOf[vector] = chunk;
  });
  const reader = texts();
  for (let vector = 0; vector < V; vector++) {
    const text = reader.text(vector);
    if (text === null) continue;
    const indexed: IndexedText = {
      vector,
      text,
      window: window[vector] === -1 ? null : window[vector],
      isTarget: isTarget[vector] === 1,
      article: articleLabels?.[vectorArticles[vector]] ?? null,
      chunk: chunkOf[vector] === -1 ? null : chunkOf[vector],
    };
    yield indexed;
  }
}

/** For each vector the first window it is the target of, else the first with it in the context; -1: none. */
function windowsOfVectors({ index, T }: Pick<Dataset, 'index' | 'T'>, V: number) {
  const window = new Int32Array(V).fill(-1);
  const isTarget = new Uint8Array(V);
  for (let i = 0; i < index.length; i++) {
    const target = i % (T + 1) === T ? 1 : 0;
    const vector = index[i];
    if (window[vector] !== -1 && isTarget[vector] >= target) continue;
    window[vector] = Math.floor(i / (T + 1));
    isTarget[vector] = target;
  }
  return { window, isTarget };
}
