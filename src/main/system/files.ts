/** The server-side file chooser: folders below the roots given at start, and files by purpose. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, relative } from 'node:path';
import { FILE_KINDS, type DirectoryEntry, type FilePurpose } from '#shared/contract/app.ts';
import { NextvecError } from '#shared/domain/errors.ts';

interface Listing {
  /** null: the list of roots. */
  readonly path: string | null;
  readonly parent: string | null;
  readonly entries: DirectoryEntry[];
}

/** A folder below one of `roots`: its sub-folders and its files of this purpose. Throws FILE_NOT_FOUND, NO_PERMISSION. */
export async function listFolder(path: string, purpose: FilePurpose, roots: readonly string[]): Promise<Listing> {
  const real = await realpath(path).catch(() => {
    throw new NextvecError('FILE_NOT_FOUND', `There is no folder ${path}.`, { details: { place: path } });
  });
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const isInside = (folder: string): boolean =>
    realRoots.some((root) => {
      const way = relative(root, folder);
      return way === '' || (!way.startsWith('..') && !isAbsolute(way));
    });
  if (!isInside(real)) {
    throw new NextvecError('NO_PERMISSION', `The folder ${path} is not one of those this Nextvec may show.`, {
      remedy: 'Start it with --root for that folder.',
      details: { place: path },
    });
  }
  const parent = dirname(real);
  return {
    path: real,
    parent: isInside(parent) && parent !== real ? parent : null,
    entries: await entriesOf(real, purpose),
  };
}

async function entriesOf(folder: string, purpose: FilePurpose): Promise<DirectoryEntry[]> {
  const { extensions } = FILE_KINDS[purpose];
  const isWanted = (name: string): boolean => extensions.includes(extname(name).slice(1).toLowerCase());
  const found = await readdir(folder, { withFileTypes: true });
  const shown = found.filter((e) => !e.name.startsWith('.') && (!e.isFile() || isWanted(e.name)));
  const entries = await Promise.all(shown.map((entry) => describe(folder, entry.name, isWanted)));
  return entries
    .filter((entry) => entry !== null)
    .toSorted((a, b) => b.kind.localeCompare(a.kind) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

async function describe(
  folder: string,
  name: string,
  isWanted: (name: string) => boolean,
): Promise<DirectoryEntry | null> {
  const path = join(folder, name);
  const info = await stat(path).catch(() => null);
  if (info === null || (!info.isDirectory() && !info.isFile())) return null;
  const kind = info.isDirectory() ? 'folder' : 'file';
  if (kind === 'file' && !isWanted(name)) return null;
  return { name, path, kind, bytes: kind === 'file' ? info.size : null, modifiedAt: info.mtimeMs };
}

/** The roots themselves, as folders without a parent. */
export function listRoots(roots: readonly string[]): Listing {
  const entries = roots.map((path): DirectoryEntry => ({
    name: path,
    path,
    kind: 'folder',
    bytes: null,
    modifiedAt: null,
  }));
  return { path: null, parent: null, entries };
}
