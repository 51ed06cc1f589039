/** Calls that closing cuts off are refused as CANCELLED; nothing is printed. */
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Nextvec } from '../../src/main/nextvec.ts';
import { WorkerPool } from '../../src/main/processes/worker-pool.ts';
import { testHome, type TestHome } from '../support/nextvec.ts';

const CANCELLED = { data: { code: 'CANCELLED' } };
const trainer = resolve('src/main/trainer/entry.ts');
const dataWorker = resolve('tests/support/looping-worker.ts');

let home: TestHome;
let nextvec: Nextvec;
const print = vi.spyOn(console, 'error').mockImplementation(() => undefined);

beforeEach(async () => {
  print.mockClear();
  home = await testHome({ entries: { trainer, dataWorker } });
  nextvec = await home.open();
});
afterEach(() => home.dispose());

test('a call that comes after closing', async () => {
  await nextvec.close();
  await expect(nextvec.client.runs.list()).rejects.toMatchObject(CANCELLED);
  expect(print).not.toHaveBeenCalled();
});

test('a call whose data worker is ended', async () => {
  const read = vi.spyOn(WorkerPool.prototype, 'read');
  const described = nextvec.client.datasets
    .describe({ path: resolve('package.json') })
    .catch((error: unknown) => error);
  await expect.poll(() => read).toHaveBeenCalledOnce();
  await nextvec.close();
  expect(await described).toMatchObject(CANCELLED);
  expect(print).not.toHaveBeenCalled();
});
