/**
 * Writes a large Parquet file of chunks, or a folder of numbered ones: unit vectors of width 768 that drift inside an article, with
 * article and chunk numbers. They come from the seed alone. 3,255,209 chunks are 10 GB.
 * Usage: node bench/make-large-parquet.ts OUT.parquet|FOLDER [--chunks 3255209] [--shards 100]
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeParquet } from '../src/main/formats/out/parquet.ts';
import type { OutTable } from '../src/main/formats/out/table.ts';
import { articleVectors, LARGE_D as D } from './support/large-articles.ts';

const CHUNKS_PER_ARTICLE = 61;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { chunks: { type: 'string', default: '3255209' }, shards: { type: 'string', default: '1' } },
});
const [target] = positionals;
if (!target) throw new Error('Give the file or folder to write.');
const M = Number(values.chunks);
const shards = Number(values.shards);

let known = { article: -1, vectors: new Float32Array(0) };

function vectorsOf(article: number): Float32Array<ArrayBuffer> {
  if (known.article !== article) known = { article, vectors: articleVectors(article, CHUNKS_PER_ARTICLE) };
  return known.vectors;
}

/** Chunks start .. start + rows. */
function tableOf(start: number, rows: number): OutTable {
  const numbers = (of: (chunk: number) => number) => (first: number, count: number) =>
    BigInt64Array.from({ length: count }, (_, i) => BigInt(of(start + first + i)));
  const article = (chunk: number): number => Math.floor(chunk / CHUNKS_PER_ARTICLE);
  return {
    rows,
    columns: [
      { kind: 'integers', name: 'doc_id', read: numbers(article) },
      { kind: 'integers', name: 'pos', read: numbers((chunk) => chunk % CHUNKS_PER_ARTICLE) },
      {
        kind: 'vectors',
        name: 'emb',
        dtype: 'float32',
        shape: [D],
        read(first, count) {
          const out = new Float32Array(count * D);
          for (let i = 0; i < count; i++) {
            const chunk = start + first + i;
            const at = (chunk % CHUNKS_PER_ARTICLE) * D;
            out.set(vectorsOf(article(chunk)).subarray(at, at + D), i * D);
          }
          return new Uint8Array(out.buffer);
        },
      },
    ],
  };
}

if (shards > 1) await mkdir(target, { recursive: true });
for (let shard = 0; shard < shards; shard++) {
  const first = Math.floor((shard * M) / shards);
  const count = Math.floor(((shard + 1) * M) / shards) - first;
  const file = await open(shards > 1 ? join(target, `part-${shard}.parquet`) : target, 'w');
  const out = { write: (bytes: Uint8Array) => file.writeFile(bytes) };
  await writeParquet([tableOf(first, count)], out, { createdBy: 'Nextvec bench', onRows: () => undefined });
  await file.close();
}
console.log(`${target}: ${M} chunks in ${shards} files`);
