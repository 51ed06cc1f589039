/** Making folders, also where there can be none. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolders } from '../../../src/main/formats/files/make-folders.ts';
import { openHome } from '../../../src/main/store/home.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-folders-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('creates a folder and its parents; leaves an existing one unchanged', () => {
  const path = join(folder, 'a', 'b', 'c');
  makeFolders(path);
  makeFolders(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

test('refuses a file in its place or above it', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => makeFolders(file)).toThrow('EEXIST');
  expect(() => makeFolders(join(file, 'x'))).toThrow('ENOTDIR');
});

test.skipIf(process.platform !== 'linux').each(['/proc/x', '/proc/x/y/z', '/dev/null/x'])(
  'a storage folder at %s is refused',
  (path) => {
    expect(() => openHome(path, 'owner', 'test')).toThrow(
      expect.objectContaining({ code: 'NO_PERMISSION', message: expect.stringContaining(path) as string }),
    );
  },
);
