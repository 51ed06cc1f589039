/** Files of this machine as a page may see them: the roots given at start, and the chooser's folders below them. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FILE_KINDS, type DirectoryEntry, type FilePurpose } from '#shared/contract/app.ts';
import { NextvecError } from '#shared/domain/errors.ts';

interface Listing {
  /** null: the list of roots. */
  readonly path: string | null;
  readonly parent: string | null;
  readonly entries: DirectoryEntry[];
}

/**
 * Throws NO_PERMISSION unless `path`, with its symbolic links followed, lies in one of `roots`. A path that does not exist
 * is judged by the nearest folder that does, so that the answer does not reveal what exists outside.
 */
export async function requireInside(path: string, roots: readonly string[]): Promise<void> {
  if (path.length <= LONGEST_PATH && (await isInside(await realPlace(resolve(path)), roots))) return;
  throw new NextvecError('NO_PERMISSION', `"${path}" is not in a folder that this Nextvec may read.`, {
    remedy:
      'Put it into one of the folders that the file chooser lists, or start "nextvec serve" with --root for its folder.',
    details: { place: path },
  });
}

const LONGEST_PATH = 4096;

/** Real path of a file that may not exist. */
async function realPlace(path: string): Promise<string> {
  const parent = dirname(path);
  return realpath(path).catch(async () => (parent === path ? path : join(await realPlace(parent), basename(path))));
}

async function isInside(place: string, roots: readonly string[]): Promise<boolean> {
  const folders = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  return folders.some((folder) => {
    const way = relative(folder, place);
    return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  });
}

/** A folder: its sub-folders and its files of this purpose; `parent` is null at a root. Throws FILE_NOT_FOUND, FILE_UNREADABLE. */
export async function listFolder(path: string, purpose: FilePurpose, roots: readonly string[]): Promise<Listing> {
  const real = await realpath(path).catch(() => {
    throw new NextvecError('FILE_NOT_FOUND', `There is no folder ${path}.`, { details: { place: path } });
  });
  const parent = dirname(real);
  return {
    path: real,
    parent: parent !== real && (await isInside(parent, roots)) ? parent : null,
    entries: await entriesOf(real, purpose),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTDIR: 'it is not a folder',
  EACCES: 'this user may not list it',
  EPERM: 'this user may not list it',
};

async function entriesOf(folder: string, purpose: FilePurpose): Promise<DirectoryEntry[]> {
  const { extensions, mark } = FILE_KINDS[purpose];
  const isWanted = (name: string): boolean =>
    extensions.includes(extname(name).slice(1).toLowerCase()) || (mark !== undefined && name.includes(mark));
  const found = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const reason = REASONS[cause.code ?? ''] ?? `it cannot be listed (${cause.code})`;
    throw new NextvecError('FILE_UNREADABLE', `${folder}: ${reason}.`, {
      remedy: 'Choose another folder.',
      details: { place: folder },
      cause,
    });
  });
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
