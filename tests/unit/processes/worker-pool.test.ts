/** Data workers: out of memory, failures while they start, and those that are started ahead. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { NO_MAPPING } from '#shared/domain/datasets/mapping.ts';
import { toErrorData } from '#shared/domain/errors.ts';
import { WorkerPool } from '../../../src/main/processes/worker-pool.ts';

const HEAP_MB = 32;
const OUT_OF_MEMORY = {
  code: 'OUT_OF_MEMORY',
  message: expect.stringMatching(/^\/data\/big\.npz: .*32 MB of memory/),
  remedy: expect.stringContaining('Use a smaller file'),
  details: { place: '/data/big.npz' },
};

let pool: WorkerPool;
afterEach(() => pool.close());

const openHungry = (): WorkerPool =>
  (pool = new WorkerPool(resolve('tests/support/hungry-worker.ts'), { heapMb: HEAP_MB }));

test('in a call: OUT_OF_MEMORY with the folder', async () => {
  const { client } = openHungry();
  await expect(client.checkStored({ folder: '/data/big.npz' })).rejects.toMatchObject(OUT_OF_MEMORY);
  await expect(openHungry().once((worker) => worker.checkStored({ folder: '/data/big.npz' }))).rejects.toMatchObject(
    OUT_OF_MEMORY,
  );
});

test('in the middle of a stream: OUT_OF_MEMORY with the file, after the events before it', async () => {
  const { client, release } = await openHungry().lease();
  const input = {
    path: '/data/big.npz',
    folder: '/home/datasets/a',
    dtype: null,
    crossArticles: false,
    contextLength: null,
    history: null,
    stride: 1,
    normalise: false,
    mapping: NO_MAPPING,
    texts: true,
    textColumn: null,
  };
  const events = await client.importFile(input);
  expect(await events.next()).toMatchObject({ value: { fraction: 0.5 } });
  await expect(events.next()).rejects.toMatchObject(OUT_OF_MEMORY);
  await release();
});

test('a worker that throws while it starts gives its own error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nextvec-worker-'));
  const entry = join(folder, 'worker.mjs');
  writeFileSync(entry, "throw new Error('a module is missing');");
  pool = new WorkerPool(entry);
  await expect(pool.client.checkStored({ folder: 'x' })).rejects.toThrow('a module is missing');
  await rm(folder, { recursive: true });
});

/** An entry that counts its starts, in a folder that is removed after `use`. */
async function withCountedStarts(use: (entry: string, started: () => number) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nextvec-worker-'));
  const entry = join(folder, 'worker.mjs');
  const starts = join(folder, 'starts');
  writeFileSync(starts, '');
  writeFileSync(
    entry,
    `import { appendFileSync } from 'node:fs';
     import { workerData } from 'node:worker_threads';
     appendFileSync(${JSON.stringify(starts)}, '.');
     workerData.port.on('message', () => undefined);`,
  );
  await use(entry, () => readFileSync(starts, 'utf8').length);
  await pool.close();
  await rm(folder, { recursive: true });
}

test('starts a standing worker and one for the next job ahead, and another one when that has ended', () =>
  withCountedStarts(async (entry, started) => {
    pool = new WorkerPool(entry);
    pool.startAhead(1);
    await expect.poll(started).toBe(2);
    const first = await pool.lease();
    expect(started()).toBe(2);
    await first.release();
    await expect.poll(started).toBe(3);
    await (await pool.lease()).release();
  }));

test('a worker that is given back serves the next job; one that is released, or not wanted soon, ends', () =>
  withCountedStarts(async (entry, started) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    pool = new WorkerPool(entry);
    const first = await pool.lease();
    await expect.poll(started).toBe(1);
    first.giveBack();
    const second = await pool.lease();
    expect(second.client).toBe(first.client);
    // The first job is over: it ends nothing.
    await first.release();
    await second.release();
    const third = await pool.lease();
    await expect.poll(started).toBe(2);
    third.giveBack();
    expect(pool.client).toBe(third.client);
    const fourth = await pool.lease();
    await expect.poll(started).toBe(3);
    fourth.giveBack();
    vi.advanceTimersByTime(10_000);
    const fifth = await pool.lease();
    expect(fifth.client).not.toBe(fourth.client);
    await fifth.release();
  }));

test('a closed pool starts no standing worker', async () => {
  pool = new WorkerPool('unused');
  await pool.close();
  expect(() => pool.client).toThrow('Nextvec was closed before the work began.');
});

test('a failed allocation of an ArrayBuffer is OUT_OF_MEMORY', () => {
  pool = new WorkerPool('unused');
  const allocate = (): unknown => new ArrayBuffer(Number.MAX_SAFE_INTEGER);
  let thrown: unknown;
  try {
    allocate();
  } catch (error) {
    thrown = error;
  }
  expect(toErrorData(thrown)).toMatchObject({ code: 'OUT_OF_MEMORY', remedy: OUT_OF_MEMORY.remedy });
});
