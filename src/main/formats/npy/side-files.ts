/**
 * Columns beside those of a .npy file, which holds one array: `emb.articles.npy` and `emb.texts.json` are the columns `articles`
 * and `texts` of `emb.npy`.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { columnOf } from '../columns/column.ts';
import { readRegularFile } from '../files/regular-file.ts';
import type { Column, Text } from '../columns/table.ts';
import { notAnInteger } from '../columns/value-errors.ts';

export interface SideFile {
  /** Of the column. */
  readonly name: string;
  readonly path: string;
  readonly kind: 'npy' | 'json';
}

const NPY = /\.npy$/i;
const SIDE = /^(.+)\.([^.]+)\.(npy|json)$/i;
const MAX_JSON_BYTES = 256 << 20;

/** The side files of a .npy file, in the order of their names. Links are left alone: they may lead out of the folders that a host may read. */
export async function sideFilesOf(path: string): Promise<SideFile[]> {
  const folder = dirname(path);
  const stem = basename(path).replace(NPY, '');
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  return names.toSorted().flatMap((file) => {
    const [, owner, name, kind] = SIDE.exec(file) ?? [];
    if (owner !== stem || name === stem) return [];
    return [
      { name, path: join(folder, file), kind: kind.toLowerCase() === 'npy' ? ('npy' as const) : ('json' as const) },
    ];
  });
}

/** Whether a file is the side file of another of the list. */
export function isSideFile(name: string, names: ReadonlySet<string>): boolean {
  const [, owner, , kind] = SIDE.exec(name) ?? [];
  return kind?.toLowerCase() === 'npy' && names.has(`${owner}.npy`);
}

/** A JSON list of texts or of integers. Throws ARCHIVE_DAMAGED for anything else. */
export async function jsonColumn({ name, path }: SideFile): Promise<Column> {
  const file = basename(path);
  const place = `${file}: ${name}`;
  const bytes = await readRegularFile(path, MAX_JSON_BYTES);
  const values = parseList(bytes, file);
  const facts = { name, place, shape: [values.length], bytes: bytes.length, storedBytes: bytes.length };
  if (values.every((value) => typeof value === 'number')) {
    const integers = async (): Promise<Float64Array> => {
      const odd = values.findIndex((value) => !Number.isSafeInteger(value));
      if (odd < 0) return Float64Array.from(values);
      throw notAnInteger(`${place}: element ${odd}`, values[odd]);
    };
    return columnOf({ ...facts, dtype: 'number' }, { integers });
  }
  const odd = values.findIndex((value) => typeof value !== 'string' && value !== null);
  if (odd >= 0) throw damaged(file, `its element ${odd} is neither a text nor, as all others, a number`);
  const texts = async function* (): AsyncGenerator<readonly Text[]> {
    yield values.map((value) => (typeof value === 'string' ? value : null));
  };
  return columnOf({ ...facts, dtype: 'text' }, { texts });
}

function parseList(bytes: Buffer, file: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(file, 'it is no JSON', cause);
  }
  if (Array.isArray(value)) return value;
  throw damaged(file, 'it is no list');
}

function damaged(file: string, why: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${file}: ${why}.`, {
    remedy: 'Write one text or number for each row, as a JSON list, or take the file away.',
    cause,
  });
}
