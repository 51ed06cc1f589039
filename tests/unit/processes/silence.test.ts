/** A reader that is stuck in a synchronous call is ended, with an error that names the file; nothing stays. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mutate } from '../../../bench/support/mutate.ts';
import { lookAtFiles } from '../../../src/main/datasets/import/look-at-files.ts';
import { DatasetService } from '../../../src/main/datasets/service.ts';
import { watchSilence } from '../../../src/main/processes/silence.ts';
import { WorkerPool } from '../../../src/main/processes/worker-pool.ts';
import { openHome, type Home } from '../../../src/main/store/home.ts';
import { testFolder } from '../datasets/helpers.ts';

const LOOPING = resolve('tests/support/looping-worker.ts');
const SETTINGS = { dtype: null, crossArticles: false, texts: true, textColumn: null };

const damaged = (file: string, seconds: number) => ({
  code: 'ARCHIVE_DAMAGED',
  message: `${file}: its reader has not answered for ${seconds} s, so the file is probably damaged.`,
  remedy: expect.stringContaining('fixed width'),
  details: { place: file },
});

let home: Home;
let workers: WorkerPool;
beforeEach(() => {
  home = openHome(join(testFolder(), 'home'), 'owner', 'test');
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await workers.close();
  home.close();
});

function open(entry: string, silenceMs?: number): DatasetService {
  workers = new WorkerPool(entry, { silenceMs });
  return new DatasetService({ home, workers, resourcesDir: 'resources', isInUse: () => false });
}

async function importAll(service: DatasetService, path: string): Promise<void> {
  for await (const event of service.import({ path, ...SETTINGS })) expect(event.type).toBe('progress');
}

test('describe is refused, and the shared worker answers meanwhile', async () => {
  const described = open(LOOPING, 100).describe('/data/x.h5');
  await Promise.all([
    expect(described).rejects.toMatchObject(damaged('/data/x.h5', 0.1)),
    expect(workers.client.alive()).resolves.toBeUndefined(),
  ]);
});

test('describe can be cancelled, which ends its worker', async () => {
  const cancel = new AbortController();
  const described = open(LOOPING).describe('/data/x.h5', cancel.signal);
  await workers.client.alive();
  cancel.abort();
  await expect(described).rejects.toThrow(/abort/i);
});

test('import and preview are refused, and no folder stays', async () => {
  const service = open(LOOPING, 100);
  const file = '/data/x.h5';
  await expect(importAll(service, file)).rejects.toMatchObject(damaged(file, 0.1));
  await expect(service.preview({ path: file, ...SETTINGS })).rejects.toMatchObject(damaged(file, 0.1));
  expect(readdirSync(home.datasetsFolder)).toEqual([]);
});

test('inspect and compare-data are refused, and no folder stays', async () => {
  vi.stubEnv('TMPDIR', testFolder());
  workers = new WorkerPool(LOOPING, { silenceMs: 100 });
  const inputs = [{ ...SETTINGS, path: '/data/x.h5' }];
  const look = vi.fn<() => void>();
  await expect(lookAtFiles({ workers, inputs }, look)).rejects.toMatchObject(damaged('/data/x.h5', 0.1));
  expect(look).not.toHaveBeenCalled();
  expect(readdirSync(tmpdir())).toEqual([]);
});

test('an HDF5 file with a damaged heap of texts is refused', async () => {
  const file = join(testFolder(), 'x.h5');
  writeFileSync(file, mutate(readFileSync('tests/fixtures/tables/small.h5'), 60));
  const service = open(resolve('out/main/data-worker.js'), 1000);
  await Promise.all([
    expect(service.describe(file)).rejects.toMatchObject(damaged(file, 1)),
    expect(importAll(service, file)).rejects.toMatchObject(damaged(file, 1)),
  ]);
  expect(readdirSync(home.datasetsFolder)).toEqual([]);
});

test('a worker that stops answering is reported once; one that answers is not', async () => {
  workers = new WorkerPool('unused');
  vi.useFakeTimers();
  let answers = true;
  const alive = (): Promise<void> => (answers ? Promise.resolve() : new Promise(() => undefined));
  const onSilent = vi.fn<() => void>();
  watchSilence(alive, 1200, onSilent);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onSilent).not.toHaveBeenCalled();
  answers = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onSilent).toHaveBeenCalledOnce();
});
