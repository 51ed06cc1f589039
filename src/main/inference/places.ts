/** Positions of stored vectors in their file: article as the file numbers it, chunk in reading order. */
import type { Place } from '#shared/contract/inference.ts';
import type { Dataset } from '../datasets/dataset.ts';

export type PlaceOf = (vector: number) => Place;

/** `wanted`: the vectors whose places are needed. */
export function placesOf({ vectorArticles, articleLabels, chunks }: Dataset, wanted: Iterable<number>): PlaceOf {
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
  });
}
