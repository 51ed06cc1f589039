/**
 * Cuts the sample that ships with the app from two chunk files: whole articles, spread evenly over each file, float16.
 * Articles with a zero vector, and those too short to give a few windows, are left out.
 * Usage: node scripts/make-sample.ts TRAIN.npz OOD.npz [--train-chunks 4000] [--ood-chunks 1000]
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import yazl from 'yazl';
import { floatToHalf } from '../src/main/formats/columns/half.ts';
import { openDataFile } from '../src/main/formats/open.ts';
import { readFloats, type Column, type DataFile } from '../src/main/formats/columns/table.ts';

const OUT = join(import.meta.dirname, '../resources/sample');
const MIN_ARTICLE_CHUNKS = 8;

interface Chunks {
  readonly vectors: Float32Array;
  readonly articles: Float64Array;
  readonly numbers: Float64Array;
  readonly D: number;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'train-chunks': { type: 'string', default: '4000' }, 'ood-chunks': { type: 'string', default: '1000' } },
});
if (positionals.length !== 2) throw new Error('Give the training file and the OOD file.');
mkdirSync(OUT, { recursive: true });
await cut(positionals[0], 'sample-train.npz', Number(values['train-chunks']));
await cut(positionals[1], 'sample-ood.npz', Number(values['ood-chunks']));

async function cut(from: string, name: string, wanted: number): Promise<void> {
  const chunks = await readChunks(from);
  const rows = chooseArticles(chunks, wanted);
  const { D } = chunks;
  const halves = new Uint16Array(rows.length * D);
  const bits = new Uint32Array(chunks.vectors.buffer);
  for (const [i, row] of rows.entries()) floatToHalf(bits, row * D, halves.subarray(i * D, (i + 1) * D), D);
  const column = (numbers: Float64Array): Int32Array => Int32Array.from(rows, (row) => numbers[row]);
  const zip = new yazl.ZipFile();
  const add = (array: string, descr: string, shape: string, data: Uint16Array | Int32Array): void =>
    zip.addBuffer(npy(descr, shape, data), `${array}.npy`, {
      compress: false,
      mtime: new Date('2026-01-01T00:00:00Z'),
    });
  add('vectors', '<f2', `(${rows.length}, ${D})`, halves);
  add('article_indices', '<i4', `(${rows.length},)`, column(chunks.articles));
  add('chunk_indices', '<i4', `(${rows.length},)`, column(chunks.numbers));
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(join(OUT, name)));
  console.log(`${name}: ${rows.length} chunks of ${new Set(column(chunks.articles)).size} articles`);
}

async function readChunks(path: string): Promise<Chunks> {
  const file = await openDataFile(path);
  try {
    const source = await find(file, 'vectors');
    const articles = await (await find(file, 'article_indices')).integers();
    const numbers = await (await find(file, 'chunk_indices')).integers();
    return { vectors: await readFloats(source), articles, numbers, D: source.shape[1] };
  } finally {
    await file.close();
  }
}

function find(file: DataFile, name: string): Promise<Column> {
  if (!file.names.includes(name)) throw new Error(`${file.path} has no array "${name}".`);
  return file.column(name);
}

/** Rows of articles at even distances until there are `wanted` chunks. */
function chooseArticles({ vectors, articles, D }: Chunks, wanted: number): number[] {
  const rowsOf = Map.groupBy(articles.keys(), (row) => articles[row]);
  const usable = [...rowsOf.values()].filter(
    (rows) =>
      rows.length >= MIN_ARTICLE_CHUNKS && rows.every((r) => vectors.subarray(r * D, (r + 1) * D).some((x) => x !== 0)),
  );
  const total = usable.reduce((sum, rows) => sum + rows.length, 0);
  const share = Math.min(1, wanted / total);
  const chosen: number[] = [];
  for (const [i, rows] of usable.entries()) {
    const due = Math.floor((i + 1) * share) > Math.floor(i * share);
    if (due && chosen.length + rows.length <= wanted) chosen.push(...rows);
  }
  return chosen;
}

function npy(descr: string, shape: string, data: Uint16Array | Int32Array): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01', 'latin1');
  head.writeUInt16LE(length, 8);
  return Buffer.concat([
    head,
    Buffer.from(`${text.padEnd(length - 1)}\n`),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
