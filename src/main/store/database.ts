/**
 * Opens the history: one SQLite file, WAL. A newer file is refused untouched, a damaged one is copied aside and
 * refused, an older one is copied aside and migrated. Never resets anything. Not here: the tables' queries.
 */
import Database from 'better-sqlite3';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';

export type Db = Database.Database;

/** How long a statement waits for another connection's write. */
const BUSY_TIMEOUT_MS = 5000;
const FULL_DISK_CODES: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE']);
/** Checking reads every page: up to this size it takes well under a second. */
const CHECKED_BYTES = 256 * 2 ** 20;

export interface OpenOptions {
  readonly readonly?: boolean;
  /** Tests open with another history. */
  readonly migrations?: readonly Migration[];
}

export function openDatabase(path: string, options: OpenOptions = {}): Db {
  const isNew = !existsSync(path);
  if (isNew && options.readonly === true) {
    throw new NextvecError('NOT_FOUND', `There is no history at ${path}.`, {
      remedy: 'Start Nextvec once on this folder, or name another one with --home.',
      details: { place: path },
    });
  }
  try {
    return openFile(path, isNew, options);
  } catch (error) {
    const isReadonly = options.readonly ?? false;
    if (isNew || !lacksSharedMemory(error, isReadonly)) throw explain(error, path);
    return isReadonly ? openCopy(path, options) : openFile(path, isNew, { ...options, isAlone: true });
  }
}

interface FileOptions extends OpenOptions {
  /** Keeps the index of the WAL in this process: no file beside it, no other process can read. */
  readonly isAlone?: boolean;
}

function openFile(path: string, isNew: boolean, options: FileOptions): Db {
  const { migrations = MIGRATIONS } = options;
  let db: Db | null = null;
  try {
    db = keepStatements(new Database(path, { readonly: options.readonly ?? false, timeout: BUSY_TIMEOUT_MS }));
    if (options.isAlone) db.pragma('locking_mode = EXCLUSIVE');
    refuseNewer(db, path, migrations);
    if (!isNew) checkIntegrity(db, path);
    // Only takes effect before the first table: lets a deleted run give its pages back.
    if (isNew) db.pragma('auto_vacuum = INCREMENTAL');
    configure(db, options.readonly ?? false);
    if (options.readonly === true) refuseOlder(db, path, migrations);
    else migrate(db, path, migrations);
    return db;
  } catch (error) {
    db?.close();
    throw error;
  }
}

/**
 * Each statement is compiled once a connection: that takes several times as long as most queries themselves. All are run to
 * their end before the next (`get`, `all`, `run`), and a text is used with `pluck` always or never.
 */
function keepStatements(db: Db): Db {
  const compile = db.prepare.bind(db);
  const kept = new Map<string, Database.Statement>();
  const prepare = (sql: string): Database.Statement => {
    const statement = kept.get(sql) ?? compile(sql);
    kept.set(sql, statement);
    return statement;
  };
  return Object.assign(db, { prepare });
}

/** Even reading needs nextvec.db-shm, which cannot be made on a full or a read-only disk. */
function lacksSharedMemory(error: unknown, isReadonly: boolean): boolean {
  if (!(error instanceof Database.SqliteError)) return false;
  const { code } = error;
  return code.startsWith('SQLITE_IOERR_SHM') || code === 'SQLITE_FULL' || (isReadonly && isForbidden(code));
}

function isForbidden(code: string): boolean {
  return code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code === 'SQLITE_PERM';
}

/** What was committed up to now, read from a copy in the folder for temporary files. */
function openCopy(path: string, options: OpenOptions): Db {
  const folder = mkdtempSync(join(tmpdir(), 'nextvec-history-'));
  try {
    const copy = join(folder, basename(path));
    for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
    const db = openFile(copy, false, { migrations: options.migrations });
    db.pragma('query_only = ON');
    return db;
  } catch (error) {
    throw explain(error, path);
  } finally {
    // Open files stay readable.
    if (process.platform !== 'win32') rmSync(folder, { recursive: true, force: true });
  }
}

function configure(db: Db, readonly: boolean): void {
  db.pragma('foreign_keys = ON');
  if (readonly) return;
  db.pragma('journal_mode = WAL');
  // A commit survives the end of the process; what must survive a power cut calls `syncWal`.
  db.pragma('synchronous = NORMAL');
}

/** Everything committed so far is on the disk when this resolves; does not hold up the event loop as FULL would. */
export async function syncWal(db: Db): Promise<void> {
  const wal = await open(`${db.name}-wal`, 'r+').catch(() => null);
  if (wal === null) return;
  try {
    await wal.sync();
  } finally {
    await wal.close();
  }
}

function versionOf(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function refuseNewer(db: Db, path: string, migrations: readonly Migration[]): void {
  const version = versionOf(db);
  const known = migrations.length;
  if (version > known) {
    throw new NextvecError(
      'DATABASE_NEWER',
      `The history ${path} was written by a newer Nextvec (version ${version} of its tables; this one knows ${known}). It was not touched.`,
      { remedy: 'Install the newer Nextvec, or name another storage folder.', details: { place: path } },
    );
  }
}

function refuseOlder(db: Db, path: string, migrations: readonly Migration[]): void {
  if (versionOf(db) < migrations.length) {
    throw new NextvecError('LOCKED', `The history ${path} is of an older Nextvec that has the folder open.`, {
      remedy: 'Quit the older Nextvec first; this one then brings the history up to date.',
      details: { place: path },
    });
  }
}

/** A file of many gigabytes is only checked where it is read; everything smaller as a whole. */
function checkIntegrity(db: Db, path: string): void {
  const bytes = statSync(path).size;
  if (bytes === 0 && hasRuns(path)) throw damaged(path, 'the file is empty, yet there are runs beside it');
  if (bytes > CHECKED_BYTES) return;
  const verdict = String(db.pragma('quick_check(1)', { simple: true }));
  if (verdict !== 'ok') throw damaged(path, verdict);
}

function hasRuns(path: string): boolean {
  const folder = join(dirname(path), 'runs');
  return existsSync(folder) && readdirSync(folder).length > 0;
}

/** Applies the missing migrations, each in its own transaction; an old file is copied aside first. */
export function migrate(db: Db, path: string, migrations: readonly Migration[] = MIGRATIONS): void {
  const from = versionOf(db);
  if (from === migrations.length) return;
  if (from > 0) keepCopy(db, `${path}.before-version-${migrations.length}`);
  for (const migration of migrations.slice(from)) {
    db.transaction(() => {
      db.exec(migration.sql);
      const broken = db.prepare('PRAGMA foreign_key_check').all();
      if (broken.length > 0) throw new Error(`migration ${migration.version} breaks ${broken.length} foreign keys`);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
  }
}

/** A whole, consistent copy; under its final name only once complete. */
function keepCopy(db: Db, copyPath: string): void {
  if (existsSync(copyPath)) return;
  const partial = `${copyPath}.${process.pid}.tmp`;
  db.prepare('VACUUM INTO ?').run(partial);
  renameSync(partial, copyPath);
}

function damaged(path: string, detail: string): NextvecError {
  const copies = keepDamaged(path);
  return new NextvecError(
    'DATABASE_DAMAGED',
    `The history ${path} is damaged (${detail}). Nothing was changed; a copy is at ${copies}.`,
    {
      remedy:
        'Put a backup of the storage folder in its place, or move the file away to start a new history; runs and data sets stay on disk.',
      details: { place: path, copy: copies },
    },
  );
}

/** One copy of each damaged state, named by the time of its last change. */
function keepDamaged(path: string): string {
  const copy = `${path}.damaged-${statSync(path).mtime.toISOString().replaceAll(':', '-').slice(0, 19)}`;
  if (existsSync(copy)) return copy;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  }
  return copy;
}

/** Runs `work` in one transaction that takes the write lock at its start; rolled back when `work` throws. */
export function inTransaction<R>(db: Db, work: () => R): R {
  return db.transaction(work).immediate();
}

/** Whether SQLite found no space to write to. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Database.SqliteError && FULL_DISK_CODES.has(error.code);
}

/** Gives free pages back to the system; returns the bytes by which the file shrank. */
export function shrink(db: Db): number {
  const count = (pragma: 'page_count' | 'page_size'): number => Number(db.pragma(pragma, { simple: true }));
  const bytes = (): number => count('page_count') * count('page_size');
  const before = bytes();
  try {
    db.pragma('incremental_vacuum');
    db.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // The next deletion tries again.
    if (!isDiskFull(error)) throw error;
  }
  return before - bytes();
}

/** SQLite's own errors on opening or writing `path`, as ours; anything else passes through. */
export function explain(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const { code, message } = error;
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return damaged(path, message);
  const details = { place: path };
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new NextvecError('LOCKED', `Another program holds the history ${path} (${message}).`, {
      remedy: 'Close the other program that has this file open, then try again.',
      details,
      cause: error,
    });
  }
  if (isDiskFull(error)) {
    return new NextvecError('DISK_FULL', `The disk is full; the history ${path} could not be written.`, {
      remedy: 'Free some space on that disk; nothing written so far is lost.',
      details,
      cause: error,
    });
  }
  if (isForbidden(code)) {
    return new NextvecError('NO_PERMISSION', `${path} cannot be opened for writing (${message}).`, {
      remedy: 'Check the permissions of the storage folder and whether its disk is read-only, or name another one.',
      details,
      cause: error,
    });
  }
  return error;
}
