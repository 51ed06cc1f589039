/** The writer of `--out`: links followed, pipes and devices written to, whole files or none, faults in words. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toErrorData } from '#shared/domain/errors.ts';
import {
  checkTarget,
  checkTargetFolder,
  moveToTarget,
  withScratch,
  writeTarget,
  writeThenRename,
} from '../../../src/main/formats/files/output-file.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'nextvec-out-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await writeTarget(await checkTarget(path), text);
}

describe('writes', () => {
  it('a new file, and nothing else', async () => {
    await write(join(folder, 'a.md'), 'new');
    expect(await readdir(folder)).toEqual(['a.md']);
    expect(await readFile(join(folder, 'a.md'), 'utf8')).toBe('new');
  });

  it('through a symbolic link, and keeps the permissions of its file', async () => {
    await writeFile(join(folder, 'real'), 'old');
    await chmod(join(folder, 'real'), 0o640);
    await symlink('real', join(folder, 'link'));
    await write(join(folder, 'link'), 'new');
    expect(await readlink(join(folder, 'link'))).toBe('real');
    expect(await readFile(join(folder, 'real'), 'utf8')).toBe('new');
    expect((await stat(join(folder, 'real'))).mode & 0o777).toBe(0o640);
  });

  it('to the missing file that a symbolic link names', async () => {
    await symlink('missing', join(folder, 'link'));
    await write(join(folder, 'link'), 'new');
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, 'missing'), 'utf8')).toBe('new');
  });

  it.skipIf(process.platform === 'win32')('into a FIFO, which stays one', async () => {
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const [read] = await Promise.all([readFile(path, 'utf8'), write(path, 'new')]);
    expect(read).toBe('new');
    expect((await lstat(path)).isFIFO()).toBe(true);
  });

  it.skipIf(process.platform === 'win32')('into a device, which stays one', async () => {
    await write('/dev/null', 'new');
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('a file made in its scratch folder, moved, and removes that folder', async () => {
    const target = await checkTarget(join(folder, 'a.onnx'));
    await withScratch(target, async (scratch) => {
      await writeFile(join(scratch, 'run-1.onnx'), 'model');
      await moveToTarget(target, join(scratch, 'run-1.onnx'));
    });
    expect(await readdir(folder)).toEqual(['a.onnx']);
    expect(await readFile(join(folder, 'a.onnx'), 'utf8')).toBe('model');
  });
});

describe('a write that fails', () => {
  it('leaves what was there, and no other file', async () => {
    const path = join(folder, 'a.md');
    await writeFile(path, 'old');
    const failing = writeThenRename(path, async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('cut off');
    });
    await expect(failing).rejects.toThrow('cut off');
    expect(await readdir(folder)).toEqual(['a.md']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('names the file even where the system error does not', async () => {
    const path = join(folder, 'a.md');
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    await expect(writeThenRename(path, () => Promise.reject(full))).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: `${path} cannot be written: the disk is full.`,
    });
  });

  it.skipIf(!existsSync('/dev/full'))('reports a full disk', async () => {
    await expect(write('/dev/full', 'new')).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: '/dev/full cannot be written: the disk is full.',
      remedy: expect.stringContaining('Free some space'),
    });
  });
});

describe('refuses', () => {
  const long = 'x'.repeat(300);
  it.each([
    ['a folder that is missing', 'missing/a.md', 'there is no folder'],
    ['a folder', '.', 'this is a folder'],
    ['a folder by its slash', 'a/', 'this is a folder'],
    ['a path through a file', 'file/a.md', 'a part of this path is a file'],
    ['a name that is too long', long, 'this name is too long'],
    ['links in a circle', 'circle', 'go round in circles'],
  ])('%s', async (_kind, name, reason) => {
    await writeFile(join(folder, 'file'), '');
    await symlink('circle', join(folder, 'circle'));
    await expect(checkTarget(`${folder}/${name}`)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(`cannot be written: .*${reason}`),
      remedy: expect.stringMatching(/\w/),
    });
    expect((await readdir(folder)).toSorted()).toEqual(['circle', 'file']);
  });

  it.each(['', 'a\0b'])('%j, which is not a file name', async (name) => {
    await expect(checkTarget(name)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(checkTargetFolder(name)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('a file where a folder for results is to be', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(checkTargetFolder(join(folder, 'file'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('exists already'),
    });
  });
});

it('a file-system error is never reported as an internal error', async () => {
  const opened = await readFile(join(folder, 'missing')).catch(toErrorData);
  expect(opened).toMatchObject({ code: 'FILE_NOT_FOUND', message: expect.stringContaining(join(folder, 'missing')) });
  const made = await mkdtemp(join(folder, 'no-such-tmpdir', 'x-')).catch(toErrorData);
  expect(made).toMatchObject({ code: 'FILE_NOT_FOUND', remedy: expect.stringContaining('TMPDIR') });
  expect(toErrorData(new TypeError('x is not a function'))).toMatchObject({
    code: 'INTERNAL',
    remedy: expect.stringContaining('fault of Nextvec'),
  });
});
