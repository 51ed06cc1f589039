/**
 * Damaged data files through the whole import: every zoo file, archives with texts, a safetensors file of windows, tables and
 * Arrow files. Every second archive is damaged inside a member and zipped anew with right checksums, so that the damage gets
 * past the archive.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Random } from '#engine/random.ts';
import { encodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { mutate } from '../mutate.ts';
import { unzip, zip } from '../rezip.ts';
import { importBytes, table, TABLES } from './import-mutant.ts';
import type { FuzzTarget } from './target.ts';

const ZOO = join(import.meta.dirname, '../../../tests/fixtures/zoo');

export const archives = (parent: string): Promise<FuzzTarget> =>
  archivesTarget(
    'npz',
    parent,
    readdirSync(ZOO).flatMap((name) => (name.endsWith('.npz') ? [join(ZOO, name)] : [])),
  );

/** Texts as fixed-width unicode, bytes, StringDType and pickled objects; windows with texts. */
export const textArchives = (parent: string): Promise<FuzzTarget> =>
  archivesTarget(
    'npz-texts',
    parent,
    ['texts-unicode', 'texts-bytes', 'texts-string', 'chunks', 'windows'].map((name) => join(TABLES, `${name}.npz`)),
  );

async function archivesTarget(name: string, parent: string, paths: readonly string[]): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, `nextvec-fuzz-${name}-`));
  const originals = paths.map((path) => readFileSync(path));
  const taken = await Promise.all(paths.map((path) => unzip(path).catch(() => [])));
  const contents = taken.filter((members) => members.length > 0);
  const damaged = async (seed: number): Promise<Uint8Array> => {
    const file = seed >> 1;
    if (seed % 2 === 0) return mutate(originals[file % originals.length], seed);
    const members = contents[file % contents.length];
    const guilty = Math.floor(file / contents.length) % members.length;
    return zip(members.map((member, i) => (i === guilty ? { ...member, data: mutate(member.data, seed) } : member)));
  };
  return {
    name,
    attempt: async (seed) => importBytes(folder, 'mutant.npz', await damaged(seed)),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Twelve windows of three vectors of four. */
function windowTensors(): Uint8Array {
  const random = new Random(1);
  const values = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  return encodeSafetensors(
    new Map([
      ['context_sequences', { shape: [12, 3, 4], data: values(144) }],
      ['target_vectors', { shape: [12, 4], data: values(48) }],
    ]),
  );
}

export async function safetensors(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-safetensors-'));
  const original = windowTensors();
  const untouched = await importBytes(folder, 'whole.safetensors', original);
  if (untouched !== 'accepted') throw new Error(`the undamaged safetensors file was refused: ${untouched}`);
  rmSync(join(folder, 'whole.safetensors'));
  return {
    name: 'safetensors',
    attempt: (seed) => importBytes(folder, 'mutant.safetensors', mutate(original, seed)),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const FEW_ROWS = 40;

/** Name and bytes of small tables, one of each format. */
function smallTables(): [string, Buffer][] {
  const plain = (name: string): Buffer => gunzipSync(table(name));
  const head = (name: string): Buffer => Buffer.from(plain(name).toString().split('\n').slice(0, FEW_ROWS).join('\n'));
  return [
    ['x.jsonl', head('pandas.jsonl.gz')],
    ['x.jsonl.gz', gzipSync(head('base64.jsonl.gz'))],
    ['x.jsonl.zst', zstdCompressSync(head('names.jsonl.gz'))],
    ['x.csv', head('wide.csv.gz')],
    ['x.tsv', head('json.tsv.gz')],
    small('small-plain.parquet'),
    small('small-pages.parquet'),
    small('names.parquet'),
    small('half-gzip.parquet'),
  ];
}

const small = (name: string): [string, Buffer] => [name, table(name)];

export const tables = (parent: string): Promise<FuzzTarget> => filesTarget('tables', parent, smallTables());
export const arrows = (parent: string): Promise<FuzzTarget> =>
  filesTarget('arrow', parent, ['small-stream.arrow', 'small-lz4.arrow', 'small-names.arrow'].map(small));
async function filesTarget(
  name: string,
  parent: string,
  originals: readonly (readonly [name: string, bytes: Buffer])[],
): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, `nextvec-fuzz-${name}-`));
  for (const [file, bytes] of originals) {
    const untouched = await importBytes(folder, file, bytes);
    if (untouched !== 'accepted') throw new Error(`the undamaged ${file} was refused: ${untouched}`);
    rmSync(join(folder, file));
  }
  return {
    name,
    attempt: async (seed) => {
      const [file, bytes] = originals[seed % originals.length];
      try {
        return await importBytes(folder, file, mutate(bytes, seed));
      } finally {
        rmSync(join(folder, file));
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
