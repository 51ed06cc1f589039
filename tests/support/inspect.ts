/** Imports of which nothing stays. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { importDataset, type ImportOptions, type ImportResult } from '../../src/main/datasets/import/import.ts';

/** The passport of a file. */
export function inspectFile(file: string, options?: ImportOptions): Promise<Passport> {
  return withImported(file, options, ({ passport }) => passport);
}

/** Imports a file, looks at the result and removes it. */
export async function withImported<R>(
  file: string,
  options: ImportOptions | undefined,
  look: (imported: ImportResult) => R | Promise<R>,
): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'nextvec-inspect-'));
  try {
    return await look(await importDataset(file, join(folder, 'dataset'), options));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
