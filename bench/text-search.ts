/**
 * Search by words in many texts, through the services: import of a chunk file with texts, the first search (which builds
 * the index), then searches for two words, for a phrase, and for a word with the beginning of another. Words have the
 * frequencies of a natural language (Zipf). Prints one JSON line.
 * Usage: node bench/text-search.ts [--texts 1000000] [--searches 200] [--folder /tmp] [--keep]; then, for the searches alone: --home FOLDER
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import yazl from 'yazl';
import { Random } from '#engine/random.ts';
import { npyHeader } from '../src/main/formats/npy/write.ts';
import { createNextvec, type Nextvec } from '../src/main/nextvec.ts';

const { values } = parseArgs({
  options: {
    texts: { type: 'string', default: '1000000' },
    searches: { type: 'string', default: '200' },
    folder: { type: 'string', default: '/tmp' },
    keep: { type: 'boolean', default: false },
    /** A kept storage folder. */
    home: { type: 'string' },
  },
});
const M = Number(values.texts);
const searches = Number(values.searches);

const D = 8;
const CHUNKS_PER_ARTICLE = 50;
const VOCABULARY = 60_000;
const WORDS = { least: 15, most: 35 };
/** Fixed width of a text in the file; longer ones are cut. */
const TEXT_BYTES = 240;
const BLOCK = 10_000;

const SYLLABLES = 'ba de fi go lu ma ne pi ro su ta ve wi xo ya ze cha dri klo stu'.split(' ');

/** A word of its own for each rank, the frequent ones short. */
function word(rank: number): string {
  let text = '';
  for (let rest = rank + 1; rest > 0; rest = Math.floor(rest / SYLLABLES.length))
    text += SYLLABLES[rest % SYLLABLES.length];
  return text;
}
const words = Array.from({ length: VOCABULARY }, (_, rank) => word(rank));
/** Cumulated weights 1 / rank. */
const cumulated = Float64Array.from(words, () => 0);
for (let rank = 0, sum = 0; rank < VOCABULARY; rank++) cumulated[rank] = sum += 1 / (rank + 1);

function drawRank(random: Random): number {
  const wanted = random.uniform() * cumulated[VOCABULARY - 1];
  let [low, high] = [0, VOCABULARY - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same words for the same row. */
function textOf(row: number): string {
  const random = new Random(row + 1);
  const length = WORDS.least + random.integer(WORDS.most - WORDS.least);
  return Array.from({ length }, () => words[drawRank(random)])
    .join(' ')
    .slice(0, TEXT_BYTES);
}

/** Rows in blocks; `fill` writes row `row` into `out` at byte `at`. */
function* rows(header: Buffer, bytes: number, fill: (row: number, out: Buffer, at: number) => void): Generator<Buffer> {
  yield header;
  for (let first = 0; first < M; first += BLOCK) {
    const count = Math.min(BLOCK, M - first);
    const out = Buffer.alloc(count * bytes);
    for (let i = 0; i < count; i++) fill(first + i, out, i * bytes);
    yield out;
  }
}

async function writeFile(path: string): Promise<void> {
  const zip = new yazl.ZipFile();
  const random = new Random(7);
  const add = (name: string, header: Buffer, bytes: number, fill: Parameters<typeof rows>[2]): void => {
    const size = header.length + M * bytes;
    zip.addReadStreamLazy(`${name}.npy`, { compress: false, size, forceZip64Format: true }, (done) =>
      done(null, Readable.from(rows(header, bytes, fill), { objectMode: false })),
    );
  };
  add('vectors', npyHeader('<f4', [M, D]), 4 * D, (_, out, at) => {
    for (let d = 0; d < D; d++) out.writeFloatLE(random.normal(), at + 4 * d);
  });
  const article = (row: number): number => Math.floor(row / CHUNKS_PER_ARTICLE);
  add('article_indices', npyHeader('<i4', [M]), 4, (row, out, at) => out.writeInt32LE(article(row), at));
  add('chunk_indices', npyHeader('<i4', [M]), 4, (row, out, at) => out.writeInt32LE(row % CHUNKS_PER_ARTICLE, at));
  add('concept_texts', npyHeader(`|S${TEXT_BYTES}`, [M]), TEXT_BYTES, (row, out, at) => out.write(textOf(row), at));
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}

/** Queries of each kind; words of one text, so that each has a hit. */
function queries(random: Random): Record<string, string[]> {
  const ofText = (make: (words: string[]) => string): string[] =>
    Array.from({ length: searches }, () => make(textOf(random.integer(M)).split(' ')));
  const pick = (from: string[]): string => from[random.integer(from.length - 1)];
  return {
    twoWords: ofText((all) => `"${pick(all)}" "${pick(all)}"`),
    phrase: ofText((all) => {
      const at = random.integer(all.length - 2);
      return `"${all[at]} ${all[at + 1]}"`;
    }),
    wordAndPrefix: ofText((all) => `${pick(all)} ${pick(all).slice(0, 4)}`),
    // Ranks that stand in many texts but seldom in the same one: long lists to intersect.
    frequentWords: Array.from(
      { length: searches },
      () => `"${words[random.integer(200)]}" "${words[random.integer(200)]}"`,
    ),
  };
}

function summary(ms: readonly number[]): Record<string, number> {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => Number(sorted[Math.round(share * (sorted.length - 1))].toFixed(1));
  return { medianMs: at(0.5), p95Ms: at(0.95), mostMs: at(1) };
}

interface Timed<R> {
  readonly result: R;
  readonly seconds: number;
}

async function timed<R>(work: () => Promise<R>): Promise<Timed<R>> {
  const startedMs = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - startedMs) / 1000 };
}

type Client = Nextvec['client'];

async function importTexts(client: Client, folder: string): Promise<Record<string, unknown>> {
  const file = join(folder, 'texts.npz');
  await writeFile(file);
  const imported = await timed(async () => {
    for await (const event of await client.datasets.import({ path: file }))
      if (event.type === 'done') return event.dataset;
    throw new Error('the import ended without a data set');
  });
  await rm(file);
  const { id } = imported.result;
  const first = await timed(() => client.datasets.search({ id, words: words.slice(0, 2).join(' ') }));
  return { importSeconds: Number(imported.seconds.toFixed(1)), firstSearchSeconds: Number(first.seconds.toFixed(1)) };
}

async function searchAll(client: Client, id: string): Promise<Record<string, unknown>> {
  // Starts the data worker that all later searches share.
  await client.datasets.search({ id, words: words[0] });
  const found: Record<string, unknown> = {};
  for (const [kind, asked] of Object.entries(queries(new Random(11)))) {
    const ms: number[] = [];
    let hits = 0;
    for (const query of asked) {
      const { result, seconds } = await timed(() => client.datasets.search({ id, words: query }));
      ms.push(seconds * 1000);
      hits += result.length;
    }
    found[kind] = { ...summary(ms), meanHits: hits / asked.length };
  }
  return found;
}

const folder = values.home ?? (await mkdtemp(join(values.folder, 'nextvec-texts-')));
try {
  const home = join(folder, 'home');
  const nextvec = await createNextvec({ home, host: 'node', version: 'bench', resourcesDir: 'resources', roots: null });
  const { client } = nextvec;
  const made = values.home === undefined ? await importTexts(client, folder) : {};
  const [{ id, passport }] = await client.datasets.list();
  const found = await searchAll(client, id);
  const index = await stat(join(home, 'datasets', id, 'text-index.db'));
  await nextvec.close();
  const facts = { texts: passport.texts, ...made, indexBytes: index.size, searches, ...found, cpu: cpus()[0].model };
  console.log(JSON.stringify(values.keep ? { folder, ...facts } : facts));
} finally {
  if (!values.keep && values.home === undefined) await rm(folder, { recursive: true, force: true });
}
