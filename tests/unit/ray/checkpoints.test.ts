/** Checkpoints that are copied while they are removed. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { removeCheckpoints } from '../../../src/main/checkpoints/remove.ts';
import { fetchCheckpoint } from '../../../src/main/runs/ray/checkpoints.ts';
import { copyFolder } from '../../../src/main/runs/ray/shared-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-fetch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NAME = 'last-0000000001-1';
const from = join(folder, 'there', NAME);
const here = join(folder, 'here');

function write(files: number): void {
  mkdirSync(from, { recursive: true });
  for (let i = 0; i < files; i++) writeFileSync(join(from, `part-${i}`), 'bytes');
}

beforeEach(() => {
  for (const name of ['there', 'here']) rmSync(join(folder, name), { recursive: true, force: true });
});

it('is there whole or not at all while it is removed', async () => {
  const FILES = 3000;
  write(FILES);
  const removing = removeCheckpoints(join(folder, 'there'), [NAME, 'last-0000000000-9']);
  const counts = new Set<number>();
  while ((await Promise.race([removing, setImmediate('under way')])) === 'under way') {
    try {
      counts.add(readdirSync(from).length);
    } catch {
      counts.add(0);
    }
  }
  expect([...counts].filter((count) => count !== FILES)).toEqual([0]);
  expect(readdirSync(join(folder, 'there'))).toEqual([]);
});

it.each([
  { place: 'in the middle', files: 4, isCopied: true },
  { place: 'after the last copy', files: 1, isCopied: false },
])('one that goes away $place leaves no copy', async ({ files, isCopied }) => {
  write(files);
  const goAway = (name: string): boolean => {
    if (name !== 'part-0') return true;
    renameSync(from, join(folder, 'there', 'gone'));
    return isCopied;
  };
  await expect(copyFolder(from, join(here, NAME), goAway)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(readdirSync(here)).toEqual([]);
});

it('one that is gone already is not fetched; one that is there is, and replaces the one before', async () => {
  expect(await fetchCheckpoint(from, here, 'last')).toBe(false);
  write(2);
  mkdirSync(join(here, 'last-0000000000-1'), { recursive: true });
  expect(await fetchCheckpoint(from, here, 'last')).toBe(true);
  expect(readdirSync(here)).toEqual([NAME]);
  expect(existsSync(join(here, NAME, 'part-1'))).toBe(true);
});
