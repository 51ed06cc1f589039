/**
 * The storage folder: `nextvec.db`, `datasets/<id>/`, `runs/<id>/`, `exports/`, `reserve.bin`. One process owns it at a
 * time; the lock is a transaction SQLite holds on `lock.db`, which the system drops with the process, so nothing stale
 * can remain.
 */
import Database from 'better-sqlite3';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { fileFault } from '#shared/domain/file-faults.ts';
import { codeOf, messageOf } from '#shared/domain/thrown.ts';
import { makeFolders } from '../formats/files/make-folders.ts';
import { explain, openDatabase, type Db } from './database.ts';
import { keepReserve } from './reserve.ts';
import { fromJson } from './stored-json.ts';

export type Access = 'owner' | 'reader';

export interface Home {
  readonly path: string;
  readonly access: Access;
  readonly db: Db;
  datasetFolder(id: string): string;
  runFolder(id: string): string;
  readonly datasetsFolder: string;
  readonly runsFolder: string;
  readonly exportsFolder: string;
  close(): void;
}

const OWNER_FILE = 'owner.json';

export function openHome(path: string, access: Access, host: string): Home {
  const lock = access === 'owner' ? lockHome(path, host) : null;
  let db: Db;
  try {
    db = openDatabase(join(path, 'nextvec.db'), { readonly: access === 'reader' });
    if (access === 'owner') keepReserve(path);
  } catch (error) {
    lock?.release();
    throw error;
  }
  return {
    path,
    access,
    db,
    datasetFolder: (id) => join(path, 'datasets', id),
    runFolder: (id) => join(path, 'runs', id),
    datasetsFolder: join(path, 'datasets'),
    runsFolder: join(path, 'runs'),
    exportsFolder: join(path, 'exports'),
    close() {
      db.close();
      lock?.release();
    },
  };
}

interface Lock {
  release(): void;
}

function lockHome(path: string, host: string): Lock {
  try {
    for (const folder of ['datasets', 'runs', 'exports']) makeFolders(join(path, folder));
  } catch (cause) {
    throw noFolder(path, cause);
  }
  const lockDb = holdLock(path, () => lockedBy(path));
  const ownerFile = join(path, OWNER_FILE);
  try {
    writeFileSync(ownerFile, JSON.stringify({ pid: process.pid, host, since: new Date().toISOString() }));
  } catch {
    // On a full disk the note is missing; the lock still holds, and runs can be deleted.
  }
  return {
    release() {
      rmSync(ownerFile, { force: true });
      lockDb.close();
    },
  };
}

/** Locks a folder until the result is closed; the system unlocks it when the process ends. Throws `locked()` where another holds it. */
export function holdLock(path: string, locked: () => NextvecError): Pick<Db, 'close'> {
  const file = join(path, 'lock.db');
  let lockDb: Db | null = null;
  try {
    lockDb = new Database(file, { timeout: 0 });
    // Needs no space on the disk.
    lockDb.pragma('journal_mode = MEMORY');
    lockDb.exec('BEGIN EXCLUSIVE');
    return lockDb;
  } catch (error) {
    lockDb?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) throw locked();
    throw explain(error, file);
  }
}

function noFolder(path: string, cause: unknown): NextvecError {
  const fault = fileFault(cause);
  const reason = fault?.reason ?? messageOf(cause);
  const code = fault?.code === 'DISK_FULL' ? 'DISK_FULL' : 'NO_PERMISSION';
  return new NextvecError(code, `The storage folder ${path} cannot be created: ${reason}.`, {
    remedy: `${code === 'DISK_FULL' ? 'Free some space' : 'Check its permissions'}, or name another folder with --home or NEXTVEC_HOME.`,
    details: { place: path },
    cause,
  });
}

/** Whether a live process owns the folder; one that was killed has left its note behind. */
export function isOwned(path: string): boolean {
  const { pid } = readOwner(path) ?? {};
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    return codeOf(error) === 'EPERM';
  }
}

function readOwner(path: string): { pid: number; host: string } | null {
  try {
    return fromJson(readFileSync(join(path, OWNER_FILE), 'utf8'));
  } catch {
    return null;
  }
}

/** LOCKED, with the process that owns the folder. */
export function lockedBy(path: string): NextvecError {
  // The owner may not have written its note yet; the message then names no process.
  const owner = readOwner(path);
  const who = owner === null ? 'another Nextvec' : `another Nextvec (${owner.host}, process ${owner.pid})`;
  return new NextvecError('LOCKED', `The storage folder ${path} is in use by ${who}.`, {
    remedy: 'Do this in the Nextvec that has it open, quit that one first, or name another folder with --home.',
    details: { place: path },
  });
}

/** Bytes of all files below a folder; 0 when it does not exist. */
export async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          (s) => s.size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Removes a folder; returns the bytes freed. */
export async function removeFolder(path: string): Promise<number> {
  const bytes = await folderBytes(path);
  await rm(path, { recursive: true, force: true });
  return bytes;
}
