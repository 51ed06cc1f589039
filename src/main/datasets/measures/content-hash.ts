/**
 * A hash of what an import stored, apart from texts: equal for the same data in files of any format, where they are stored
 * with the same element type.
 */
import { createHash } from 'node:crypto';
import type { ReadData } from '../import/read-data.ts';
import type { StoreDType } from '../vector-store.ts';

/** `vectors`: SHA-256 of the stored vectors. */
export function contentHash(D: number, dtype: StoreDType, vectors: string, data: ReadData): string {
  const columns = [data.index, data.windowArticles, data.articleLabels, data.chunks?.ids, data.chunks?.articles];
  const hash = createHash('sha256');
  hash.update(JSON.stringify({ D, dtype, vectors, T: data.T, splits: data.splits, lengths: columns.map(byteLength) }));
  for (const column of columns) if (column) hash.update(column);
  return hash.digest('hex');
}

function byteLength(column: NodeJS.ArrayBufferView | null | undefined): number {
  return column?.byteLength ?? 0;
}
