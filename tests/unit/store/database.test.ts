/** Opening the history: migrations with rows in place, newer, damaged, locked and read-only files. */
import { createHash } from 'node:crypto';
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NextvecError } from '#shared/domain/errors.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { migrate, openDatabase } from '../../../src/main/store/database.ts';
import { insertDataset, listDatasets } from '../../../src/main/store/datasets.ts';
import { beginAttempt, insertLog, listLog, listValCosines } from '../../../src/main/store/history.ts';
import { openHome } from '../../../src/main/store/home.ts';
import { MIGRATIONS, type Migration } from '../../../src/main/store/migrations.ts';
import { takeNumber } from '../../../src/main/store/numbers.ts';
import { deleteRun, findRun, insertRun, listRuns } from '../../../src/main/store/runs.ts';
import { readTask } from '../../../src/main/store/stored-json.ts';
import { readSettings, writeSettings } from '../../../src/main/store/settings.ts';
import { passport } from './passport.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nextvec-store-'));
  path = join(folder, 'nextvec.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fill(db: Database.Database): void {
  insertDataset(db, {
    id: 'data',
    name: 'data',
    sourcePath: '/data.npz',
    isSample: true,
    importedAt: 5,
    storedBytes: 6,
    passport,
    options: { dtype: null, crossArticles: false },
  });
  const recipe = RecipeSchema.parse({ dataset: 'data' });
  insertRun(db, {
    id: 'a',
    name: null,
    recipe,
    datasetName: 'data',
    oodName: null,
    tags: ['x'],
    appVersion: '0',
    createdAt: 1,
  });
  insertRun(db, {
    id: 'b',
    name: 'B',
    recipe,
    datasetName: 'data',
    oodName: null,
    tags: [],
    appVersion: '0',
    createdAt: 2,
  });
  insertLog(db, 'a', { at: 3, level: 'info', message: 'hello' });
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function errorOf(work: () => unknown): NextvecError {
  try {
    work();
  } catch (error) {
    return error as NextvecError;
  }
  throw new Error('nothing was thrown');
}

test('the number of a deleted run is not reused', () => {
  const db = openDatabase(path);
  fill(db);
  deleteRun(db, 'b');
  insertRun(db, {
    id: 'c',
    name: null,
    recipe: RecipeSchema.parse({ dataset: 'data' }),
    datasetName: 'data',
    oodName: null,
    tags: [],
    appVersion: '0',
    createdAt: 4,
  });
  expect(listRuns(db).map(({ id, number, name }) => ({ id, number, name }))).toEqual([
    { id: 'c', number: 3, name: 'Run 3' },
    { id: 'a', number: 1, name: 'Run 1' },
  ]);
  db.close();
});

describe('migrations', () => {
  test('are numbered from 1 without gaps', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  });

  test('every table is STRICT', () => {
    const db = openDatabase(':memory:');
    const tables = db
      .prepare<[], { sql: string }>("SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")
      .all();
    expect(tables.length).toBeGreaterThan(8);
    for (const { sql } of tables) expect(sql).toMatch(/STRICT(, WITHOUT ROWID)?$/);
    db.close();
  });

  const NEXT: Migration = {
    version: MIGRATIONS.length + 1,
    what: 'a test',
    sql: "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",
  };

  test('N − 1 → N keeps every row and a copy of the old file', () => {
    const old = openDatabase(path);
    fill(old);
    old.close();
    const db = openDatabase(path, { migrations: [...MIGRATIONS, NEXT] });
    expect(db.pragma('user_version', { simple: true })).toBe(NEXT.version);
    expect(listRuns(db).map(({ id, number, name }) => ({ id, number, name }))).toEqual([
      { id: 'b', number: 2, name: 'B' },
      { id: 'a', number: 1, name: 'Run 1' },
    ]);
    expect(db.prepare("SELECT colour FROM runs WHERE id = 'a'").get()).toEqual({ colour: 'blue' });
    expect(listLog(db, 'a')).toEqual([{ at: 3, level: 'info', message: 'hello' }]);
    expect(listDatasets(db)[0]).toMatchObject({ id: 'data', isSample: true, runCount: 2 });
    db.close();
    const copy = openDatabase(`${path}.before-version-${NEXT.version}`);
    expect(listRuns(copy)).toHaveLength(2);
    copy.close();
  });

  test('the eighth records the task of runs whose data set is there', () => {
    const old = openDatabase(path, { migrations: MIGRATIONS.slice(0, 7) });
    old.exec(`
      INSERT INTO datasets (id, name, source_path, is_sample, imported_at_ms, stored_bytes, passport_json, options_json)
        VALUES ('d', 'd', '/d.npz', 0, 1, 1, '{"T":4,"sha256":"x"}', '{}');
      INSERT INTO runs (id, number, name, status, created_at_ms, recipe_json, dataset_id, dataset_name, app_version, tags_json)
        VALUES ('a', 1, 'A', 'finished', 1, '{}', 'd', 'd', '0', '[]'), ('b', 2, 'B', 'finished', 1, '{}', NULL, 'e', '0', '[]');`);
    old.close();
    const db = openDatabase(path);
    expect(readTask(findRun(db, 'a')!.task_json)).toEqual({ context: 4, history: null });
    expect(readTask(findRun(db, 'b')!.task_json)).toBeNull();
    db.close();
  });

  test('the sixth fills the validation cosine of existing epochs', () => {
    const old = openDatabase(path, { migrations: MIGRATIONS.slice(0, 5) });
    old.exec(`
      INSERT INTO runs (id, number, name, status, created_at_ms, recipe_json, dataset_name, app_version, tags_json)
        VALUES ('a', 1, 'A', 'finished', 1, '{}', 'data', '0', '[]'), ('b', 2, 'B', 'running', 1, '{}', 'data', '0', '[]');
      INSERT INTO epochs (run_id, epoch, attempt, at_ms, record_json) VALUES
        ('a', 1, 1, 1, '{"valCosine":0.25}'), ('a', 2, 1, 2, '{"valCosine":1}'), ('a', 2, 2, 3, '{"valCosine":0.5}'),
        ('b', 1, 1, 4, '{"valCosine":null}');`);
    old.close();
    const db = openDatabase(path);
    // A repeated epoch has the value of its later attempt.
    const all = new Map<string, (number | null)[]>([
      ['a', [0.25, 0.5]],
      ['b', [null]],
    ]);
    expect(listValCosines(db, null)).toEqual(all);
    expect(listValCosines(db, 'b')).toEqual(new Map([['b', [null]]]));
    db.close();
  });

  test('the fifth continues from the highest run and plan numbers', () => {
    const old = openDatabase(path, { migrations: MIGRATIONS.slice(0, 4) });
    old.exec(`
      INSERT INTO runs (id, number, name, status, created_at_ms, recipe_json, dataset_name, app_version, tags_json)
        VALUES ('a', 41, 'A', 'finished', 1, '{}', 'data', '0', '[]');
      INSERT INTO plans (id, name, created_at_ms, dataset_id) VALUES (6, 'night', 1, 'data');`);
    old.close();
    const db = openDatabase(path);
    expect([takeNumber(db, 'run'), takeNumber(db, 'plan')]).toEqual([42, 7]);
    db.close();
  });

  test('a failing one changes nothing', () => {
    openDatabase(path).close();
    const broken: Migration = {
      version: NEXT.version,
      what: 'broken',
      sql: `${NEXT.sql}; INSERT INTO nowhere VALUES (1)`,
    };
    expect(() => openDatabase(path, { migrations: [...MIGRATIONS, broken] })).toThrow('nowhere');
    const db = openDatabase(path);
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    expect(() => db.prepare('SELECT colour FROM runs')).toThrow('colour');
    db.close();
  });

  test('run in order on an empty file', () => {
    const db = new Database(':memory:');
    migrate(db, ':memory:');
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    db.close();
  });
});

describe('opening', () => {
  test('refuses a newer file and leaves it untouched', () => {
    const db = openDatabase(path);
    db.pragma('user_version = 999');
    db.close();
    const before = hashOf(path);
    const error = errorOf(() => openDatabase(path));
    expect(errorOf(() => openDatabase(path)).details).toEqual(error.details);
    expect(error).toMatchObject({ code: 'DATABASE_NEWER' });
    expect(error.message).toContain('999');
    expect(error.remedy).toBeTruthy();
    expect(hashOf(path)).toBe(before);
  });

  test.each([
    ['not a database', () => writeFileSync(path, 'this is a diary, not a database. '.repeat(100))],
    [
      'pages overwritten',
      () => {
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 4096, 4096 * 6);
        writeFileSync(path, bytes);
      },
    ],
    ['cut short', () => truncateSync(path, 9000)],
    [
      'emptied beside its runs',
      () => {
        truncateSync(path, 0);
        mkdirSync(join(folder, 'runs', 'a'), { recursive: true });
      },
    ],
  ])('a damaged file (%s) is refused, kept and copied once', (_, damage) => {
    const db = openDatabase(path);
    fill(db);
    db.close();
    damage();
    const before = hashOf(path);
    const error = errorOf(() => openDatabase(path));
    expect(errorOf(() => openDatabase(path)).details).toEqual(error.details);
    expect(error).toMatchObject({ code: 'DATABASE_DAMAGED' });
    expect(error.remedy).toContain('backup');
    expect(hashOf(path)).toBe(before);
    const copies = readdirSync(folder).filter((name) => name.includes('.damaged-') && !/-(wal|shm)$/.test(name));
    expect(copies).toHaveLength(1);
    expect(hashOf(join(folder, copies[0]))).toBe(before);
  });

  test('tables enforce units and references', () => {
    const db = openDatabase(path);
    fill(db);
    expect(() => insertLog(db, 'nobody', { at: 1, level: 'info', message: '' })).toThrow('FOREIGN KEY');
    expect(() => db.prepare("UPDATE runs SET status = 'lost'").run()).toThrow('CHECK');
    expect(() => db.prepare("UPDATE runs SET epoch = 'three'").run()).toThrow('INTEGER');
    expect(beginAttempt(db, 'a', 1, null, 0)).toBe(1);
    expect(beginAttempt(db, 'a', 5, null, 0)).toBe(2);
    db.prepare('DELETE FROM datasets').run();
    expect(findRun(db, 'a')).toMatchObject({ dataset_id: null, dataset_name: 'data' });
    db.close();
  });

  test('settings are stored', () => {
    const db = openDatabase(path);
    writeSettings(db, { theme: 'dark', threads: null });
    writeSettings(db, { theme: 'light' });
    expect(readSettings(db)).toEqual({ theme: 'light', threads: null });
    db.close();
  });
});

describe('the storage folder', () => {
  test('has one owner at a time and any number of readers', () => {
    const owner = openHome(folder, 'owner', 'test');
    fill(owner.db);
    const error = errorOf(() => openHome(folder, 'owner', 'other'));
    expect(error).toMatchObject({ code: 'LOCKED' });
    expect(error.message).toContain(`process ${process.pid}`);
    const reader = openHome(folder, 'reader', 'other');
    expect(listRuns(reader.db)).toHaveLength(2);
    expect(() => insertLog(reader.db, 'a', { at: 1, level: 'info', message: '' })).toThrow('readonly');
    reader.close();
    owner.close();
    openHome(folder, 'owner', 'test').close();
  });

  test('can be read without an owner', () => {
    openHome(folder, 'owner', 'test').close();
    const reader = openHome(folder, 'reader', 'test');
    expect(listRuns(reader.db)).toEqual([]);
    reader.close();
    expect(errorOf(() => openHome(join(folder, 'nowhere'), 'reader', 'test'))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('an owner killed with -9 leaves no lock', async () => {
    const holder = fork(new URL('./lock-owner.ts', import.meta.url), [folder], { execArgv: [] });
    await new Promise((resolve) => holder.once('message', resolve));
    expect(errorOf(() => openHome(folder, 'owner', 'test'))).toMatchObject({ code: 'LOCKED' });
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    const home = openHome(folder, 'owner', 'test');
    expect(readSettings(home.db)).toEqual({ from: 'holder' });
    home.close();
  });
});
