/**
 * Writes a windows file of the size the real ones have: 726,014 windows of 12,875 articles (790,391 distinct vectors of
 * 768), 13.4 GB as float32. Vectors are unit, drift inside an article, and come from the seed alone.
 * Usage: node bench/make-large.ts OUT.npz [--windows 726014] [--compress]
 */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import yazl from 'yazl';
import { npyHeader } from '../src/main/formats/npy/write.ts';
import { articleVectors, LARGE_D as D } from './support/large-articles.ts';

const T = 5;
const WINDOWS_PER_ARTICLE = 726_014 / 12_875;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { windows: { type: 'string', default: '726014' }, compress: { type: 'boolean', default: false } },
});
if (positionals.length !== 1) throw new Error('Give the file to write.');
const N = Number(values.windows);
const articleCount = Math.ceil(N / WINDOWS_PER_ARTICLE);
const startedMs = performance.now();

const zip = new yazl.ZipFile();
addArray('context_sequences', [N, T, D], N * T * D * 4, 0, T);
addArray('target_vectors', [N, D], N * D * 4, T, T + 1);
zip.end();
await pipeline(zip.outputStream, createWriteStream(positionals[0], { highWaterMark: 1 << 22 }));
console.log(
  `${positionals[0]}: ${N} windows, ${articleCount} articles, ${Math.round((performance.now() - startedMs) / 1000)} s`,
);

function addArray(name: string, shape: readonly number[], bytes: number, from: number, to: number): void {
  const header = npyHeader('<f4', shape);
  const options = { compress: values.compress, compressionLevel: values.compress ? 1 : 0, forceZip64Format: true };
  const open = (): Readable =>
    Readable.from(arrayBytes(header, from, to), { objectMode: false, highWaterMark: 1 << 22 });
  const size = values.compress ? {} : { size: header.length + bytes };
  zip.addReadStreamLazy(`${name}.npy`, { ...options, ...size }, (callback) => callback(null, open()));
}

/** Positions from..to of every window, article by article. */
function* arrayBytes(header: Buffer, from: number, to: number): Generator<Buffer> {
  yield header;
  for (let article = 0; article < articleCount; article++) {
    const first = Math.floor((article * N) / articleCount);
    const windows = Math.floor(((article + 1) * N) / articleCount) - first;
    const vectors = articleVectors(article, windows + T);
    const out = new Float32Array(windows * (to - from) * D);
    for (let w = 0; w < windows; w++) out.set(vectors.subarray((w + from) * D, (w + to) * D), w * (to - from) * D);
    yield Buffer.from(out.buffer);
  }
}
