/**
 * Writes the files that the user names (`--out`). Symbolic links are followed. FIFOs and devices are opened and
 * written to. A regular file is written beside its place and renamed, so that it is whole or not there. `checkTarget` goes
 * before the work whose result is written, so that a bad path costs no time.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  access,
  chmod,
  constants,
  lstat,
  mkdtemp,
  open,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  type FileHandle,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { fileFault } from '#shared/domain/file-faults.ts';
import { codeOf } from '#shared/domain/thrown.ts';
import { makeFolders } from './make-folders.ts';

export interface OutputTarget {
  /** Absolute, as it was named. */
  readonly path: string;
  /** The file that is replaced: links followed. */
  readonly real: string;
  /** FIFO, device or open descriptor: written to as it is. */
  readonly isStream: boolean;
  /** Permissions of the file that is replaced; null: there is none. */
  readonly mode: number | null;
}

/** Names of the process's open descriptors. They may lead to a regular file, which is not to be replaced then. */
const DESCRIPTORS = /^\/(dev\/(fd\/|std(in|out|err)$)|proc\/)/;
const MOST_LINKS = 40;

/** Throws BAD_INPUT, FILE_NOT_FOUND or DISK_FULL with path, reason and remedy where no file can be written. */
export async function checkTarget(word: string): Promise<OutputTarget> {
  const path = pathOf(word, 'file');
  try {
    const info = await stat(path).catch(ifMissing);
    if (info?.isDirectory() || /[/\\]$/.test(word)) throw isFolder(path);
    if (info?.isSocket()) throw new NextvecError('BAD_INPUT', `${path} is a socket.`, { remedy: 'Name a file.' });
    const isStream = DESCRIPTORS.test(path) || (info !== null && !info.isFile());
    if (isStream) return { path, real: path, isStream, mode: null };
    const real = info ? await realpath(path) : await placeOf(path);
    if (info) await access(real, constants.W_OK);
    await proveWritable(dirname(real));
    return { path, real, isStream, mode: info && info.mode & 0o777 };
  } catch (error) {
    throw targetFault(error, path);
  }
}

/** The absolute path; throws BAD_INPUT for a word that no file or folder can have as its name. */
function pathOf(word: string, kind: 'file' | 'folder'): string {
  if (word !== '' && !word.includes('\0')) return resolve(word);
  throw new NextvecError('BAD_INPUT', `${JSON.stringify(word)} is no name of a ${kind}.`, {
    remedy: `Name a ${kind}.`,
  });
}

/** Makes a folder and its parents where they are missing; returns its absolute path. */
export async function makeFolder(word: string): Promise<string> {
  const path = pathOf(word, 'folder');
  try {
    makeFolders(path);
    return path;
  } catch (error) {
    throw targetFault(error, path);
  }
}

/** Makes a folder for results and proves that files can be written to it. */
export async function checkTargetFolder(word: string): Promise<string> {
  const path = await makeFolder(word);
  await checkTarget(join(path, 'file'));
  return path;
}

/** Writes the whole content. What was there stays as it was when that fails. */
export async function writeTarget(target: OutputTarget, content: string | Uint8Array): Promise<void> {
  await fill(target, (file) => file.writeFile(content));
}

/** Moves a file that lies in a folder of `withScratch` to the target. */
export async function moveToTarget(target: OutputTarget, from: string): Promise<void> {
  if (target.isStream) return fill(target, (file) => file.writeFile(createReadStream(from)));
  try {
    if (target.mode !== null) await chmod(from, target.mode);
    await rename(from, target.real);
  } catch (error) {
    throw targetFault(error, target.path);
  }
}

/** Gives `work` a folder on the target's disk, removed afterwards. */
export async function withScratch<T>(
  { isStream, real }: OutputTarget,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(isStream ? tmpdir() : dirname(real), '.nextvec-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Calls `write` with a temporary name beside `path` and renames what it has written; nothing stays when it throws.
 * Faults of the file system become errors about `named`.
 */
export async function writeThenRename(
  path: string,
  write: (temporary: string) => Promise<unknown>,
  named: string = path,
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw targetFault(error, named);
  }
}

/** Ends in the process id: a start removes those of processes that are gone from exports/. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.nextvec-${randomBytes(6).toString('hex')}.${process.pid}.tmp`);
}

async function fill({ path, real, isStream, mode }: OutputTarget, write: (file: FileHandle) => Promise<void>) {
  if (isStream) return fillStream(path, write);
  const fillTemporary = async (temporary: string): Promise<void> =>
    using(await open(temporary, 'wx'), async (file) => {
      if (mode !== null) await file.chmod(mode);
      await write(file);
      await file.sync();
    });
  await writeThenRename(real, fillTemporary, path);
}

async function fillStream(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await using(await open(path, constants.O_WRONLY | constants.O_APPEND), write);
  } catch (error) {
    throw targetFault(error, path);
  }
}

async function using(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

/** Tries to make a file: permissions alone do not show read-only disks or /proc. */
async function proveWritable(folder: string): Promise<void> {
  const temporary = temporaryBeside(join(folder, 'file'));
  await (await open(temporary, 'wx')).close();
  await rm(temporary);
}

/** Where a file that is not there yet would be made: links of the folder, and a link to a missing file, followed. */
async function placeOf(path: string, links = 0): Promise<string> {
  const place = join(await realpath(dirname(path)), basename(path));
  const info = await lstat(place).catch(ifMissing);
  if (!info?.isSymbolicLink() || links > MOST_LINKS) return place;
  return placeOf(resolve(dirname(place), await readlink(place)), links + 1);
}

function ifMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function isFolder(path: string): NextvecError {
  return new NextvecError('BAD_INPUT', `${path} cannot be written: this is a folder, not a file.`, {
    remedy: 'Name a file in it.',
    details: { place: path },
  });
}

/** A target without permission is bad input, as one that does not exist; a full disk is not. */
export function targetFault(error: unknown, path: string): unknown {
  const fault = isNextvecError(error) ? null : fileFault(error);
  if (fault === null) return error;
  const isMissing = codeOf(error) === 'ENOENT';
  const reason = isMissing ? `there is no folder ${dirname(path)}` : fault.reason;
  const remedy = isMissing ? 'Make the folder first, or name a file in another one.' : fault.remedy;
  const code = fault.code === 'DISK_FULL' ? fault.code : 'BAD_INPUT';
  return new NextvecError(code, `${path} cannot be written: ${reason}.`, {
    remedy,
    details: { place: path },
    cause: error,
  });
}
