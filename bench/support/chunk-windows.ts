/** A chunk file (.npz with vectors, article_indices, chunk_indices) as windows in memory, for benchmarks. T is 5. */
import { readFileSync } from 'node:fs';
import type { WindowSource } from '#engine/types.ts';
import { halfToFloat } from '../../src/main/formats/columns/half.ts';
import { fromBufferPromise } from '../../tests/support/zip.ts';

const T = 5;

export interface ChunkWindows {
  readonly source: WindowSource;
  /** Article of each window, as numbered in the file. */
  readonly articles: Uint32Array;
}

export async function readChunkWindows(path: string): Promise<ChunkWindows> {
  const entries = await fromBufferPromise(readFileSync(path));
  const vectors = numbers(entries, 'vectors');
  const articles = numbers(entries, 'article_indices').values;
  const chunks = numbers(entries, 'chunk_indices').values;
  const D = vectors.columns;
  const order = Uint32Array.from(articles.keys()).toSorted(
    (a, b) => articles[a] - articles[b] || chunks[a] - chunks[b],
  );
  const first = Uint32Array.from(order.keys()).filter((i) => articles[order[i]] === articles[order[i + T]]);
  const vectorAt = (i: number) => vectors.values.subarray(order[i] * D, (order[i] + 1) * D);
  const source: WindowSource = {
    windows: first.length,
    T,
    D,
    gather(ids, contexts, targets) {
      ids.forEach((id, row) => {
        for (let t = 0; t < T; t++) contexts.set(vectorAt(first[id] + t), (row * T + t) * D);
        targets.set(vectorAt(first[id] + T), row * D);
      });
    },
  };
  return { source, articles: first.map((i) => articles[order[i]]) };
}

function numbers(entries: ReadonlyMap<string, Buffer>, name: string): { values: Float32Array; columns: number } {
  const bytes = entries.get(`${name}.npy`);
  if (!bytes) throw new Error(`the file has no array "${name}"`);
  const headerBytes = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + headerBytes);
  const body = Uint8Array.from(bytes.subarray(10 + headerBytes)).buffer;
  const columns = Number(/'shape':\s*\(\d+,\s*(\d+)/.exec(header)?.[1] ?? 1);
  if (header.includes('<f2')) {
    const halves = new Uint16Array(body);
    const values = new Float32Array(halves.length);
    halfToFloat(halves, 0, values, 0, halves.length);
    return { values, columns };
  }
  if (header.includes('<f4')) return { values: new Float32Array(body), columns };
  if (header.includes('<i4')) return { values: Float32Array.from(new Int32Array(body)), columns };
  throw new Error(`array "${name}" is neither float16, float32 nor int32`);
}
