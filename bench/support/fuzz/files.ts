/**
 * Damaged data files through the whole import: every zoo file, a safetensors file of windows, and tables. Every second archive is
 * damaged inside a member and zipped anew with right checksums, so that the damage gets past the archive.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Random } from '#engine/random.ts';
import { isBadInput, isNextvecError } from '#shared/domain/errors.ts';
import { importDataset } from '../../../src/main/datasets/import.ts';
import { encodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { mutate } from '../mutate.ts';
import { unzip, zip } from '../rezip.ts';
import type { FuzzTarget } from './target.ts';

const ZOO = join(import.meta.dirname, '../../../tests/fixtures/zoo');

/** The code a bad input was refused with; anything else that was thrown is thrown on. */
export function refusalOf(error: unknown): string {
  if (isNextvecError(error) && isBadInput(error.code)) return error.code;
  throw error;
}

/** Writes the bytes, imports them, and sees to it that nothing but a loaded data set has appeared. */
async function importBytes(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  let outcome = 'accepted';
  try {
    await importDataset(path, join(folder, 'set'));
    rmSync(join(folder, 'set'), { recursive: true });
  } catch (error) {
    outcome = refusalOf(error);
  }
  const left = readdirSync(folder).filter((entry) => entry !== name);
  if (left.length > 0) throw new Error(`it left ${left.join(', ')} behind`);
  return outcome;
}

export async function archives(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-npz-'));
  const names = readdirSync(ZOO).filter((name) => name.endsWith('.npz'));
  const originals = names.map((name) => readFileSync(join(ZOO, name)));
  const taken = await Promise.all(names.map((name) => unzip(join(ZOO, name)).catch(() => [])));
  const contents = taken.filter((members) => members.length > 0);
  const damaged = async (seed: number): Promise<Uint8Array> => {
    const file = seed >> 1;
    if (seed % 2 === 0) return mutate(originals[file % originals.length], seed);
    const members = contents[file % contents.length];
    const guilty = seed % members.length;
    return zip(members.map((member, i) => (i === guilty ? { ...member, data: mutate(member.data, seed) } : member)));
  };
  return {
    name: 'npz',
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

const TABLES = join(import.meta.dirname, '../../../tests/fixtures/tables');
const FEW_ROWS = 40;

/** Name and bytes of small tables, one of each format. */
function smallTables(): [string, Buffer][] {
  const plain = (name: string): Buffer => gunzipSync(readFileSync(join(TABLES, name)));
  const head = (name: string): Buffer => Buffer.from(plain(name).toString().split('\n').slice(0, FEW_ROWS).join('\n'));
  return [
    ['x.jsonl', head('pandas.jsonl.gz')],
    ['x.jsonl.gz', gzipSync(head('base64.jsonl.gz'))],
    ['x.jsonl.zst', zstdCompressSync(head('names.jsonl.gz'))],
    ['x.csv', head('wide.csv.gz')],
    ['x.tsv', head('json.tsv.gz')],
    ['plain.parquet', readFileSync(join(TABLES, 'small-plain.parquet'))],
    ['pages.parquet', readFileSync(join(TABLES, 'small-pages.parquet'))],
  ];
}

const small = (name: string): [string, Buffer] => [name, readFileSync(join(TABLES, name))];

export const tables = (parent: string): Promise<FuzzTarget> => filesTarget('tables', parent, smallTables());
export const arrows = (parent: string): Promise<FuzzTarget> =>
  filesTarget('arrow', parent, ['small-stream.arrow', 'small-lz4.arrow', 'small-names.arrow'].map(small));
/** Without texts of variable length: damage of their heap can keep the library in a loop. */
export const hdf5 = (parent: string): Promise<FuzzTarget> => filesTarget('hdf5', parent, [small('small-fixed.h5')]);

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
