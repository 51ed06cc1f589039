/**
 * The folder of the engines and what is in it: `tensorflow/` once it is installed, `.partial/` while it is being
 * installed or after an installation that did not end (what has been downloaded, and a build).
 */
import { existsSync } from 'node:fs';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { makeFolders } from '../formats/files/make-folders.ts';
import { MANIFEST_FILE } from '../processes/user-folders.ts';
import { folderBytes, holdLock } from '../store/home.ts';

export const ENGINE = 'tensorflow';

export const ManifestSchema = z.object({
  engine: z.literal(ENGINE),
  /** Of TensorFlow. */
  version: z.string(),
  platform: z.string(),
  installedAt: z.string(),
  /** Files it was made of. */
  files: z.array(z.object({ file: z.string(), sha256: z.string() })),
});
export type Manifest = z.infer<typeof ManifestSchema>;

export interface EngineState {
  /** Folder of the installed engine. */
  readonly folder: string;
  /** null: not installed. */
  readonly manifest: Manifest | null;
  readonly bytes: number;
  /** Bytes of an installation that goes on or did not end. */
  readonly partialBytes: number;
}

export function engineFolders(engines: string) {
  const partial = join(engines, '.partial');
  return {
    installed: join(engines, ENGINE),
    partial,
    downloads: join(partial, 'downloads'),
    /** Headers and source. */
    build: join(partial, 'build'),
    /** The engine before it is verified. */
    staged: join(partial, ENGINE),
    /** The engine that a new one takes the place of. */
    replaced: join(partial, 'replaced'),
  };
}

export async function readState(engines: string): Promise<EngineState> {
  const { installed, partial } = engineFolders(engines);
  const text = await readFile(join(installed, MANIFEST_FILE), 'utf8').catch(() => null);
  const manifest = text === null ? null : ManifestSchema.parse(JSON.parse(text));
  return { folder: installed, manifest, bytes: await folderBytes(installed), partialBytes: await folderBytes(partial) };
}

/** Runs work while no other process installs or removes engines in this folder; LOCKED where one does. */
export async function withLock<T>(engines: string, work: () => Promise<T>): Promise<T> {
  const { partial } = engineFolders(engines);
  makeFolders(partial);
  const lock = holdLock(partial, () => {
    return new NextvecError('LOCKED', `Another Nextvec installs or removes an engine in ${engines}.`, {
      remedy: 'Wait until it has ended.',
      details: { place: engines },
    });
  });
  try {
    return await work();
  } finally {
    lock.close();
    await removeIfNothingThere(engines);
  }
}

/** Keeps what has been downloaded; without it nothing of an installation that failed stays. */
async function removeIfNothingThere(engines: string): Promise<void> {
  const { partial } = engineFolders(engines);
  if ((await folderBytes(partial)) === 0) await rm(partial, { recursive: true, force: true });
  // Only where it is empty: the folder goes with its last engine.
  await rmdir(engines).catch(() => undefined);
}

/** Removes the engine and what is left of an installation; returns the bytes freed. Throws NOT_FOUND where there is neither. */
export async function removeEngine(engines: string): Promise<number> {
  const { installed, partial } = engineFolders(engines);
  if (!existsSync(installed) && !existsSync(partial)) {
    throw new NextvecError('NOT_FOUND', `${ENGINE} is not installed in ${engines}.`, {
      remedy: `Install it with: nextvec engines install ${ENGINE}`,
    });
  }
  const freed = (await folderBytes(installed)) + (await folderBytes(partial));
  await withLock(engines, async () => {
    await rm(join(installed, MANIFEST_FILE), { force: true });
    await rm(installed, { recursive: true, force: true });
    await rm(partial, { recursive: true, force: true });
  });
  return freed;
}
