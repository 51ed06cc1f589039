/** Parts of the Electron host that need no Electron. */
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataFilesIn } from '../../../src/main/hosts/electron/opened-files.ts';
import { ReloadLimit } from '../../../src/main/hosts/electron/reload-limit.ts';

describe('files on the command line', () => {
  const folder = resolve('some', 'folder');

  test('data files are found, relative ones in the folder of the caller', () => {
    const absolute = resolve('data', 'b.NPZ');
    expect(dataFilesIn(['nextvec', 'a.npz', absolute, 'c.safetensors'], folder)).toEqual([
      join(folder, 'a.npz'),
      absolute,
      join(folder, 'c.safetensors'),
    ]);
  });

  test('the program, switches and other files are left out', () => {
    expect(dataFilesIn(['app.npz', '.', '--file=x.npz', '-x.npz', 'out/main/index.js'], folder)).toEqual([]);
  });
});

test('a page that keeps crashing is reloaded at most three times a minute', () => {
  const reloads = new ReloadLimit();
  expect([0, 1000, 2000, 3000, 59_999].map((at) => reloads.allows(at))).toEqual([true, true, true, false, false]);
  expect(reloads.allows(60_000)).toBe(true);
  expect(reloads.allows(60_001)).toBe(false);
});
