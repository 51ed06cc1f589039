/** Rounds of a disk that is full at a random moment of a run; for bench/full-disk-rounds.ts, which needs a small disk. */
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#engine/random.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import { errorData } from '../../../src/main/cli/exit.ts';
import { followTo, type TestHome } from '../nextvec.ts';
import { CHECKPOINT_EVERY_MS, startOwner, useCompileCache } from './owner-process.ts';
import { checkOwned } from './owned.ts';
import { checkFinished, checkKilled, type Reference } from './reference.ts';
import type { KillOptions } from './rounds.ts';

export interface FullDiskReport {
  readonly rounds: number;
  /** Rounds in which the whole program was killed on the full disk. */
  readonly kills: number;
  /** Rounds in which the run paused for want of room; in the others it had ended or needed none. */
  readonly pauses: number;
  /** Imports and exports that were refused with DISK_FULL. */
  readonly refusals: number;
  /** Runs that were disturbed and ended bit for bit as the undisturbed one. */
  readonly runsFinished: number;
}

/** The disk is filled up to this many steps after training begins. */
const WITHIN_STEPS = 300;
/** A program is killed up to this long after the disk was filled. */
const WITHIN_MS = 400;
/** Bytes left free: enough for the first files of a checkpoint, not for all. */
const LEFT_FREE = 24_576;
const MB = 2 ** 20;

interface Filler {
  fill(leaveFree: number): void;
  free(): void;
}

/** A file that takes all room of the disk; throws after 1 GB, which no small disk has. */
function filler(path: string): Filler {
  return {
    fill(leaveFree) {
      const file = openSync(path, 'w');
      let bytes = 0;
      try {
        for (let block = MB; block >= 512; block /= 2) {
          try {
            while (bytes < 1024 * MB) bytes += writeSync(file, Buffer.alloc(block));
            throw new Error(`${path} is not on a small disk`);
          } catch (error) {
            if ((error as { code?: unknown }).code !== 'ENOSPC') throw error;
          }
        }
        ftruncateSync(file, Math.max(0, bytes - leaveFree));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(path, { force: true }),
  };
}

interface Round {
  readonly home: TestHome;
  readonly reference: Reference;
  readonly disk: Filler;
  readonly random: Random;
}

/** The program is killed on the full disk. Resolves to the id of the run. */
async function killed({ home, reference, disk, random }: Round): Promise<string> {
  const life = startOwner(home, reference.recipe);
  const steps = random.integer(WITHIN_STEPS);
  await new Promise<void>((due) => {
    life.owner.on('message', () => void ((life.last?.trained ?? 0) >= steps && life.wasTraining && due()));
    void life.exited.then(() => due());
  });
  disk.fill(random.integer(LEFT_FREE));
  await Promise.race([life.exited, sleep(random.integer(WITHIN_MS))]);
  if (life.owner.pid !== undefined && life.owner.exitCode === null) process.kill(-life.owner.pid, 'SIGKILL');
  await life.exited;
  disk.free();
  assert.ok(life.last !== null, 'the owner ended before it had a run');
  return life.last.runId;
}

/** Codes of an import and an export on the full disk. */
async function refusals(client: NextvecClient, home: TestHome, runId: string): Promise<string[]> {
  const codeOf = (error: unknown): string => errorData(error).code;
  const importing = async (): Promise<void> => {
    for await (const _ of await client.datasets.import({ path: join(home.path, 'walks.npz'), dtype: 'float16' }))
      void _;
  };
  const outcomes = await Promise.allSettled([importing(), client.runs.export({ runId, format: 'safetensors' })]);
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [codeOf(outcome.reason)] : []));
}

/** The run goes on by itself: it pauses on the full disk, or ends. */
async function paused(
  round: Round,
  open: string | null,
): Promise<{ runId: string; hasPaused: boolean; refused: number }> {
  const { home, reference, disk, random } = round;
  const nextvec = await home.open({ checkpointEveryMs: CHECKPOINT_EVERY_MS });
  const { client } = nextvec;
  const runId = open ?? (await client.runs.start({ recipe: reference.recipe })).runId;
  if (open !== null) await client.runs.resume({ runId });
  const steps = random.integer(WITHIN_STEPS);
  let trained = 0;
  for await (const event of await client.runs.watch({ runId })) {
    if (event.type === 'steps') trained += event.count;
    // Without a step where only its end was missing.
    const hasFinished = event.type === 'run' && event.run.status === 'finished';
    if (hasFinished || (trained > 0 && trained >= steps)) break;
  }
  disk.fill(random.integer(LEFT_FREE));
  const run = await followTo(client, runId, 'paused', 'finished');
  const hasPaused = run.status === 'paused';
  if (hasPaused) assert.equal(run.waitsForSpace, true, run.reason);
  const codes = await refusals(client, home, runId);
  assert.deepEqual(
    codes.filter((code) => code !== 'DISK_FULL' && code !== 'NOT_FOUND'),
    [],
  );
  disk.free();
  await nextvec.close();
  return { runId, hasPaused, refused: codes.filter((code) => code === 'DISK_FULL').length };
}

export async function fillDisk({ home, reference, rounds, seed }: KillOptions): Promise<FullDiskReport> {
  const random = new Random(seed);
  const disk = filler(join(home.path, 'filler'));
  const round = { home, reference, disk, random };
  const report = { rounds, kills: 0, pauses: 0, refusals: 0, runsFinished: 0 };
  useCompileCache(home);
  let open: string | null = null;
  for (let i = 0; i < rounds; i++) {
    let runId: string;
    if (i % 2 === 0) {
      runId = await killed(round);
      report.kills++;
    } else {
      const outcome = await paused(round, open);
      ({ runId } = outcome);
      report.pauses += Number(outcome.hasPaused);
      report.refusals += outcome.refused;
    }
    await checkOwned(home);
    const reader = await home.open({ access: 'reader' });
    const { run } = await reader.client.runs.get({ runId });
    if (run.status === 'finished') {
      await checkFinished(home, reader.client, runId, reference);
      report.runsFinished++;
      open = null;
    } else {
      await checkKilled(home, reader.client, runId, reference);
      open = runId;
    }
    await reader.close();
    // The disk is small: finished runs make room.
    if (open === null) await removeRun(home, runId);
  }
  return report;
}

async function removeRun(home: TestHome, runId: string): Promise<void> {
  const nextvec = await home.open();
  await nextvec.client.runs.delete({ runId });
  await nextvec.close();
}
