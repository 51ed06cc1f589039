/** The trainer process: scheduling priority and robustness. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { trainerContract } from '#shared/contract/trainer.ts';
import { forkTrainer, NICENESS, type TrainerProcess } from '../../../src/main/processes/trainer-process.ts';
import { describeExit, TrainerConnection } from '../../../src/main/runs/live/trainer-connection.ts';

type TrainerClient = ContractRouterClient<typeof trainerContract>;

const TRAINER = 'out/main/trainer.js';
const AUTOGROUP = '/proc/self/autogroup';
vi.setConfig({ testTimeout: 60_000 });

let trainer: TrainerProcess | undefined;
afterEach(() => trainer?.kill());

async function started(place: keyof typeof NICENESS): Promise<{ pid: number; client: TrainerClient }> {
  trainer = forkTrainer(TRAINER, place)();
  const link = new RPCLink({ port: trainer.port, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  const client: TrainerClient = createORPCClient(link);
  await client.alive();
  return { pid: trainer.pid!, client };
}

const sessionNiceness = (pid: number | 'self') => readFileSync(`/proc/${pid}/autogroup`, 'utf8').trim();

test('the trainer has niceness 19 beside a window and 5 alone', async () => {
  const { pid } = await started('besideWindow');
  expect(getPriority(pid)).toBe(NICENESS.besideWindow);
  trainer?.kill();
  const alone = await started('alone');
  expect(getPriority(alone.pid)).toBe(NICENESS.alone);
  expect(NICENESS.alone).toBeLessThan(NICENESS.besideWindow);
});

test.skipIf(process.platform !== 'linux')('beside a window every thread has niceness 19', async () => {
  const { pid } = await started('besideWindow');
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  // Includes the threads of the garbage collector and the compiler.
  expect(threads.length).toBeGreaterThan(4);
  expect(threads.map((thread) => getPriority(thread))).toEqual(threads.map(() => NICENESS.besideWindow));
});

test.skipIf(!existsSync(AUTOGROUP))(
  'beside a window it has its own session, and the niceness of other sessions is unchanged',
  async () => {
    const before = sessionNiceness('self');
    const { pid } = await started('besideWindow');
    expect(sessionNiceness(pid)).toMatch(new RegExp(`nice ${NICENESS.besideWindow}$`));
    expect(sessionNiceness('self')).toBe(before);
    trainer?.kill();
    const alone = await started('alone');
    expect(sessionNiceness(alone.pid)).toBe(before);
  },
);

test.skipIf(process.platform === 'win32')('Ctrl-C in the terminal that it shares does not end it', async () => {
  const { pid, client } = await started('alone');
  process.kill(pid, 'SIGINT');
  await client.alive();
  expect(() => process.kill(pid, 0)).not.toThrow();
});

test('a trainer that runs out of memory reports it with a remedy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nextvec-trainer-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const entry = join(folder, 'trainer.mjs');
  writeFileSync(entry, 'const taken = []; for (;;) taken.push(new Array(1000).fill({}));');
  // Read when a process starts; set later, by v8.setFlagsFromString, it would not bound the heap.
  vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=16');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { exited } = new TrainerConnection(forkTrainer(entry));
  expect(describeExit(await exited)).toMatch(/^The trainer process ran out of memory\. Use a smaller/);
});
