/** Stored vectors with their position in the file, article as the file numbers it, chunk in reading order, and their text. */
import type { Place } from '#shared/contract/places.ts';
import type { Dataset } from './dataset.ts';

export type PlaceOf = (vector: number) => Place;

/** `wanted`: the vectors whose places are needed. */
export function placesOf({ vectorArticles, articleLabels, chunks, texts }: Dataset, wanted: Iterable<number>): PlaceOf {
  const chunkOf = new Map<number, number>();
  const needed = new Set(wanted);
  // A repeated vector is shown at its first position.
  chunks?.ids.forEach((vector, chunk) => {
    if (needed.has(vector) && !chunkOf.has(vector)) chunkOf.set(vector, chunk);
  });
  return (vector) => ({
    vector,
    article: articleLabels?.[vectorArticles[vector]] ?? null,
    chunk: chunkOf.get(vector) ?? null,
    text: shownText(texts().text(vector)),
  });
}

/** Longest text, in UTF-16 units, that a call returns. */
const MOST_SHOWN = 4000;

/** A text as calls return it. */
export function shownText(text: string | null): string | null {
  return text !== null && text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}
