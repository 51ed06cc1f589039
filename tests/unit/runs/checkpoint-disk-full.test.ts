/** A full disk at any call of writing a checkpoint: the previous one stays valid and no partial one is left. */
import type * as fs from 'node:fs/promises';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SMALL_SPEC, checkpointAt } from '../../support/checkpoint.ts';
import { findResumable } from '../../../src/main/checkpoints/resume.ts';
import { writeCheckpoint } from '../../../src/main/checkpoints/write.ts';

const disk = vi.hoisted(() => ({ calls: 0, failAt: Infinity }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const count = (): void => {
    if (disk.calls++ === disk.failAt) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  };
  const counted =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      count();
      return call(...args);
    };
  return {
    ...real,
    mkdir: counted(real.mkdir),
    rename: counted(real.rename),
    // Files are read back with numeric flags; reading needs no room.
    open: async (path: string, flags: string | number) => {
      if (typeof flags === 'string') count();
      const handle = await real.open(path, flags);
      const writeFile = counted(handle.writeFile.bind(handle));
      const sync = counted(handle.sync.bind(handle));
      return Object.assign(handle, { writeFile, sync });
    },
  };
});

let runFolder: string;
beforeEach(() => {
  runFolder = mkdtempSync(join(tmpdir(), 'nextvec-full-'));
  Object.assign(disk, { calls: 0, failAt: Infinity });
});
afterEach(() => rmSync(runFolder, { recursive: true, force: true }));

const options = (kind: 'last' | 'best') => ({ runFolder, runId: 'r', spec: SMALL_SPEC, kind, valCosine: 0.4 }) as const;

test.each(['last', 'best'] as const)('a %s checkpoint on a full disk fails cleanly', async (kind) => {
  await writeCheckpoint(checkpointAt(10), options('last'));
  const { calls: before } = disk;
  const trial = await writeCheckpoint(checkpointAt(15, kind), options(kind));
  // Renaming the one that is replaced comes last.
  const renames = kind === 'last' ? 1 : 0;
  const calls = disk.calls - before - renames;
  expect(calls).toBeGreaterThan(8);
  const whole = kind === 'last' ? 15 : 10;
  for (let failing = 0; failing < calls; failing++) {
    const names = readdirSync(runFolder);
    Object.assign(disk, { calls: 0, failAt: failing });
    await expect(writeCheckpoint(checkpointAt(20, kind), options(kind))).rejects.toMatchObject({ code: 'ENOSPC' });
    const found = await findResumable(runFolder, { runId: 'r', weightHashes: {} });
    const left = readdirSync(runFolder);
    // Only the sync of the run's folder follows the rename; the new one is complete by then.
    const isNamed = left.length > names.length;
    expect(found?.skipped).toEqual([]);
    expect(found?.checkpoint.state.step).toBe(isNamed && kind === 'last' ? 20 : whole);
    expect(left.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(isNamed ? failing : left).toEqual(isNamed ? calls - Math.min(2, calls - failing) : names);
  }
  // Without room for its new name, the one that is replaced is removed in its place.
  Object.assign(disk, { calls: 0, failAt: calls });
  const { folder } = await writeCheckpoint(checkpointAt(20, kind), options(kind));
  expect(disk.calls).toBeGreaterThan(calls);
  expect(readdirSync(runFolder)).not.toContain(trial.folder);
  expect(readdirSync(runFolder).filter((name) => name.startsWith(`${kind}-`))).toEqual([folder]);
});
