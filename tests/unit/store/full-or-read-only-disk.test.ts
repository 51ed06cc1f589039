/** A storage folder on a full or a read-only disk: it opens, can be read, and deleting frees space. */
import Database from 'better-sqlite3';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../../src/main/store/database.ts';
import { openHome } from '../../../src/main/store/home.ts';
import { deleteFreeingSpace, keepReserve } from '../../../src/main/store/reserve.ts';
import { listRuns } from '../../../src/main/store/runs.ts';
import { testHome, type TestHome } from '../../support/nextvec.ts';

let place: TestHome;
let path: string;
beforeEach(async () => {
  place = await testHome();
  path = join(place.path, 'home');
  openHome(path, 'owner', 'test').close();
});
afterEach(() => place.dispose());

const full = (): never => {
  throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
};

test('a reader that cannot make the index of the WAL reads a copy, which is removed', () => {
  mkdirSync(join(path, 'nextvec.db-shm'));
  const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('nextvec-history-'));
  const before = temporary();
  const db = openDatabase(join(path, 'nextvec.db'), { readonly: true });
  expect(listRuns(db)).toEqual([]);
  expect(() => db.exec('DELETE FROM runs')).toThrow('readonly');
  expect(temporary()).toEqual(before);
  db.close();
});

test('the owner opens even if owner.json cannot be written', () => {
  rmSync(join(path, 'owner.json'), { force: true });
  mkdirSync(join(path, 'owner.json'));
  const home = openHome(path, 'owner', 'test');
  expect(listRuns(home.db)).toEqual([]);
  rmSync(join(path, 'owner.json'), { recursive: true });
  home.close();
});

test('deletes the files before the row if the reserve is too small', async () => {
  const done: string[] = [];
  let isFull = true;
  const deleteRow = (): void => {
    if (isFull) full();
    done.push('row');
  };
  const removeFiles = async (): Promise<number> => {
    isFull = false;
    done.push('files');
    return 7;
  };
  expect(await deleteFreeingSpace(path, deleteRow, removeFiles)).toBe(7);
  expect(await deleteFreeingSpace(path, deleteRow, removeFiles)).toBe(7);
  expect(done).toEqual(['files', 'row', 'row', 'files']);
});

test('the owner keeps a reserve file, frees it on a full disk to delete the row, and recreates it later', async () => {
  const reserve = join(path, 'reserve.bin');
  const isKept = (): boolean => existsSync(reserve) && statSync(reserve).size === 256 * 1024;
  expect(isKept()).toBe(true);
  const done: string[] = [];
  const deleteRow = (): void => {
    if (isKept()) full();
    done.push('row');
  };
  const removeFiles = async (): Promise<number> => {
    done.push('files');
    return 7;
  };
  expect(await deleteFreeingSpace(path, deleteRow, removeFiles)).toBe(7);
  expect(done).toEqual(['row', 'files']);
  expect(existsSync(reserve)).toBe(false);
  writeFileSync(reserve, 'cut short');
  keepReserve(path);
  expect(isKept()).toBe(true);
});
