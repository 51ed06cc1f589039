/** Every reader of data, recipe or checkpoint refuses at once what is not a regular file. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isNextvecError, type ErrorData } from '#shared/domain/errors.ts';
import { readRecipeFile } from '../../../src/main/cli/flags/recipe-flags.ts';
import { inspectFile } from '../../support/inspect.ts';
import { readJsonFile } from '../../../src/main/formats/files/json-file.ts';
import { openDataFile } from '../../../src/main/formats/open.ts';
import {
  openRegularFile,
  readHead,
  readRegularFile,
  readRegularFileSync,
} from '../../../src/main/formats/files/regular-file.ts';
import { readCheckpoint } from '../../../src/main/checkpoints/read.ts';
import { readModelWeights } from '../../../src/main/weights/model-weights.ts';
import { testFolder } from '../datasets/helpers.ts';

async function refusal(read: () => unknown): Promise<ErrorData> {
  try {
    await read();
  } catch (error) {
    if (isNextvecError(error)) return error.toData();
    throw error;
  }
  throw new Error('it was read');
}

const READERS: readonly (readonly [string, (path: string) => unknown])[] = [
  ['data', (path) => inspectFile(path)],
  ['arrays', (path) => openDataFile(path)],
  ['weights', (path) => readModelWeights(path)],
  ['JSON', (path) => readJsonFile(path)],
  ['a recipe', (path) => readRecipeFile(path)],
];

describe.skipIf(process.platform === 'win32')('a path that is no regular file', () => {
  it.each(READERS)('is refused as %s', async (_, read) => {
    const folder = testFolder();
    const fifo = join(folder, 'fifo.npz');
    execFileSync('mkfifo', [fifo]);
    for (const [path, kind] of [
      [fifo, 'named pipe'],
      ['/dev/zero', 'device'],
      [folder, 'folder'],
    ]) {
      const { code, message, remedy } = await refusal(() => read(path));
      expect(code).toBe('FILE_UNREADABLE');
      expect(message).toContain(path);
      expect(message).toContain(kind);
      expect(remedy).toBeTruthy();
    }
    const gone = join(folder, 'gone.npz');
    expect(await refusal(() => read(gone))).toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: `There is no file ${gone}.`,
    });
  });

  it('is refused as a part of a checkpoint', async () => {
    const folder = testFolder();
    execFileSync('mkfifo', [join(folder, 'checkpoint.json')]);
    expect((await refusal(() => readCheckpoint(folder, { runId: 'r', weightHashes: {} }))).message).toContain(
      'named pipe',
    );
  });

  it('may be a link to a regular file', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'real'), 'text');
    symlinkSync('real', join(folder, 'link'));
    symlinkSync('loop', join(folder, 'loop'));
    expect(String(await readRegularFile(join(folder, 'link')))).toBe('text');
    expect((await refusal(() => openRegularFile(join(folder, 'loop')))).message).toContain('symbolic links');
  });
});

it('refuses a file larger than its purpose needs, and a name with a zero byte', async () => {
  const folder = testFolder();
  const path = join(folder, 'large');
  writeFileSync(path, 'x'.repeat(100));
  expect(await refusal(() => readRegularFile(path, 99))).toMatchObject({ code: 'OUT_OF_RANGE' });
  expect((await refusal(() => readRegularFileSync(path, 99))).message).toContain('100 bytes');
  expect(readRegularFileSync(path, 100)).toHaveLength(100);
  expect((await refusal(() => openRegularFile('a\0b'))).message).toContain('zero byte');
  mkdirSync(join(folder, 'sub'));
  expect((await refusal(() => readRegularFileSync(join(path, 'below')))).code).toBe('FILE_NOT_FOUND');
});

it('reads the first bytes of a file, fewer where it is shorter', async () => {
  const path = join(testFolder(), 'file');
  writeFileSync(path, 'head and rest');
  const { head, bytes } = await readHead(path, 4);
  expect([String(head), bytes]).toEqual(['head', 13]);
  expect(String((await readHead(path, 64)).head)).toBe('head and rest');
});
