import type * as fs from 'node:fs';
import type * as promises from 'node:fs/promises';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { DATA_EXPORT_FORMATS } from '#shared/domain/datasets/export.ts';
import { exportDataset } from '../../../src/main/datasets/export/export.ts';
import { importDataset } from '../../../src/main/datasets/import/import.ts';
import { writeThenRename } from '../../../src/main/formats/files/output-file.ts';
import { writeChunks } from '../../support/chunks.ts';
import { testFolder } from './helpers.ts';

const disk = vi.hoisted(() => ({ writesLeft: Infinity, syncsLeft: Infinity, writes: 0, syncs: 0 }));

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
}

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    writeSync: (...args: Parameters<typeof real.writeSync>) => {
      disk.writes++;
      if (disk.writesLeft-- <= 0) throw noSpace();
      return real.writeSync(...args);
    },
    fsync: (fd: number, done: (error: Error | null) => void) => {
      disk.syncs++;
      if (disk.syncsLeft-- <= 0) done(noSpace());
      else real.fsync(fd, done);
    },
    fsyncSync: (fd: number) => {
      disk.syncs++;
      if (disk.syncsLeft-- <= 0) throw noSpace();
      real.fsyncSync(fd);
    },
  };
});

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args);
    const { writeFile, sync } = handle;
    handle.writeFile = async (...values) => {
      disk.writes++;
      if (disk.writesLeft-- <= 0) throw noSpace();
      await writeFile.apply(handle, values);
    };
    handle.sync = async () => {
      if (disk.syncsLeft-- <= 0) throw noSpace();
      await sync.call(handle);
    };
    return handle;
  };
  return { ...real, open };
});

const NO_FAULT = { writesLeft: Infinity, syncsLeft: Infinity };

it.each(DATA_EXPORT_FORMATS)(
  'a full disk at any write or sync ends the import of %s with DISK_FULL and leaves no files',
  async (format) => {
    Object.assign(disk, NO_FAULT);
    const folder = testFolder();
    const chunks = join(folder, 'c.npz');
    const textOf = (article: number, chunk: number): string => `chunk ${chunk} of article ${article}`;
    await writeChunks(chunks, { articles: 5, chunksPerArticle: 10, D: 8, textOf });
    const file = join(folder, `file.${format}`);
    const set = (await importDataset(chunks, join(folder, 'set'))).folder;
    const what = { format, texts: true, windows: false, split: null, temporary: file, target: file, version: '1' };
    await exportDataset({ ...what, folder: set }, { onProgress: () => undefined });
    const store = join(folder, 'store');
    mkdirSync(store);
    Object.assign(disk, { writes: 0, syncs: 0 });
    await importDataset(file, join(store, 'whole'));
    const { writes, syncs } = disk;
    expect(writes).toBeGreaterThan(5);
    expect(readdirSync(join(store, 'whole'))).toContain('texts.bin');
    const faults = [
      ...Array.from({ length: writes }, (_, n) => ({ writesLeft: n, syncsLeft: Infinity })),
      // The last sync is of the parent folder after the rename; that one may fail.
      ...Array.from({ length: syncs - 1 }, (_, n) => ({ writesLeft: Infinity, syncsLeft: n })),
    ];
    for (const fault of faults) {
      Object.assign(disk, fault);
      await expect(importDataset(file, join(store, 'set'))).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(readdirSync(store)).toEqual(['whole']);
    }
  },
);

it.each(DATA_EXPORT_FORMATS)('a full disk ends an export to %s with DISK_FULL and leaves no file', async (format) => {
  Object.assign(disk, NO_FAULT);
  const folder = testFolder();
  const file = join(folder, 'c.npz');
  await writeChunks(file, { articles: 5, chunksPerArticle: 10, D: 8 });
  const set = await importDataset(file, join(folder, 'set'));
  const out = join(folder, 'out');
  mkdirSync(out);
  const target = join(out, 'x');
  const write = (): Promise<void> =>
    writeThenRename(target, (temporary) => {
      const what = { format, texts: false, windows: false, split: null };
      return exportDataset(
        { ...what, folder: set.folder, temporary, target, version: '1' },
        { onProgress: () => undefined },
      );
    });
  disk.writes = 0;
  await write();
  rmSync(target);
  const { writes } = disk;
  const faults = [
    ...Array.from({ length: writes }, (_, n) => ({ writesLeft: n, syncsLeft: Infinity })),
    { writesLeft: Infinity, syncsLeft: 0 },
  ];
  for (const fault of faults) {
    Object.assign(disk, fault);
    await expect(write()).rejects.toMatchObject({ code: 'DISK_FULL', details: { place: target } });
    expect(readdirSync(out)).toEqual([]);
  }
});
