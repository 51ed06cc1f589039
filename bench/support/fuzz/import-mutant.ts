/** One damaged file or folder through the whole import, in this process. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBadInput, isNextvecError } from '#shared/domain/errors.ts';
import { importDataset } from '../../../src/main/datasets/import/import.ts';

export const TABLES = join(import.meta.dirname, '../../../tests/fixtures/tables');

/** A fixture of the readers' tests. */
export const table = (name: string): Buffer => readFileSync(join(TABLES, name));

/** The code a bad input was refused with; anything else that was thrown is thrown on. */
export function refusalOf(error: unknown): string {
  if (isNextvecError(error) && isBadInput(error.code)) return error.code;
  throw error;
}

/** Throws when `folder` holds anything but `name`. */
export function nothingBeside(folder: string, name: string): void {
  const left = readdirSync(folder).filter((entry) => entry !== name);
  if (left.length > 0) throw new Error(`it left ${left.join(', ')} behind`);
}

/** Writes the bytes to `name` in an empty folder and imports them. The file stays, the data set does not. */
export function importBytes(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  writeFileSync(join(folder, name), bytes);
  return importPath(folder, name);
}

/** Imports `path`, which lies in the only entry of `folder`. Throws when anything else is left in the folder. */
export async function importPath(folder: string, path: string): Promise<string> {
  let outcome = 'accepted';
  try {
    await importDataset(join(folder, path), join(folder, 'set'));
    rmSync(join(folder, 'set'), { recursive: true });
  } catch (error) {
    outcome = refusalOf(error);
  }
  nothingBeside(folder, path.split('/')[0]);
  return outcome;
}
