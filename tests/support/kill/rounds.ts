/**
 * Rounds of kill -9 at random moments, of the trainer or of the whole program. A round is one kill with its checks;
 * finished runs are compared with the uninterrupted one and followed by another.
 */
import assert from 'node:assert/strict';
import { Random } from '#engine/random.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import { forkTrainer, type TrainerProcess } from '../../../src/main/processes/trainer-process.ts';
import type { TestHome } from '../nextvec.ts';
import { BUILT } from '../open.ts';
import { CHECKPOINT_EVERY_MS, startOwner, useCompileCache, type OwnerProcess } from './owner-process.ts';
import { checkOwned } from './owned.ts';
import { checkFinished, checkKilled, type Reference } from './reference.ts';

export interface KillOptions {
  readonly home: TestHome;
  readonly reference: Reference;
  readonly rounds: number;
  readonly seed: number;
  /** Program file of the trainer; by default the built one. */
  readonly trainer?: string;
}

export interface KillReport {
  readonly kills: number;
  /** Kills before the first step of a life. */
  readonly whileStarting: number;
  /** Runs that were killed at least once and ended bit for bit as the uninterrupted one. */
  readonly runsFinished: number;
  /** Most steps that were sent to a watcher but not yet stored when the program was killed. */
  readonly mostUnflushed: number;
  /** Stages of the fit of a mixture in which it was killed, 0-based. */
  readonly stages: readonly number[];
}

/** A way to interrupt a run. */
export interface Strike {
  /** Ends the work of a trainer; returns what the run's reason must say. */
  strike(trainer: TrainerProcess): RegExp;
  /** Called once the run is interrupted. */
  after?(client: NextvecClient, runId: string): Promise<void>;
}

export const KILL: Strike = {
  strike(trainer) {
    trainer.kill();
    return /killed/;
  },
};

/** Share of kills during start-up. */
const STARTING_SHARE = 0.2;
const STARTING_MS = 400;

class Tally {
  kills = 0;
  whileStarting = 0;
  runsFinished = 0;
  mostUnflushed = 0;
  private readonly killed = new Set<string>();
  private readonly stages = new Set<number>();

  /** `stage` null: before the first step or stage of a life. */
  kill(runId: string, stage: number | null): void {
    this.kills++;
    if (stage === null) this.whileStarting++;
    else this.stages.add(stage);
    this.killed.add(runId);
  }

  finished(runId: string): void {
    if (this.killed.delete(runId)) this.runsFinished++;
  }

  report(): KillReport {
    const { kills, whileStarting, runsFinished, mostUnflushed } = this;
    const stages = [...this.stages].toSorted((a, b) => a - b);
    return { kills, whileStarting, runsFinished, mostUnflushed, stages };
  }
}

/** How far a life has come: steps it trained, and the stage of the fit of a mixture. */
interface Progress {
  readonly trained: number;
  readonly stage: number;
}

/** The moment of one kill: a time after start, or after a stage and a number of steps. */
interface Moment {
  readonly isEarly: boolean;
  readonly from: Progress;
  readonly afterMs: number;
}

function isReached({ from }: Moment, { trained, stage }: Progress): boolean {
  return trained >= from.trained && stage >= from.stage;
}

function moment(random: Random, { moments }: Reference): Moment {
  const isEarly = random.uniform() < STARTING_SHARE;
  const afterMs = random.integer(isEarly ? STARTING_MS : moments.withinMs);
  const from = { trained: random.integer(moments.withinSteps), stage: random.integer(moments.stages) };
  return { isEarly, from, afterMs };
}

/** Watches one process lifetime of a run: last step sent, and how it ended. */
export async function watchLife(
  client: NextvecClient,
  runId: string,
  onProgress: (progress: Progress) => void,
): Promise<{ sent: number; stage: number; status: string; reason: string }> {
  let sent = 0;
  let trained = 0;
  let stage = 0;
  let hasBegun = false;
  for await (const event of await client.runs.watch({ runId })) {
    if (event.type === 'steps') {
      sent = event.firstStep + event.count - 1;
      trained += event.count;
      onProgress({ trained, stage });
    }
    if (event.type !== 'run') continue;
    stage = event.run.stage?.index ?? stage;
    const { status, reason } = event.run;
    if (status === 'running') onProgress({ trained, stage });
    if (['queued', 'starting', 'running'].includes(status)) hasBegun = true;
    else if (hasBegun) return { sent, stage, status, reason };
  }
  throw new Error('the watch ended before the run did');
}

/** Kills the trainer, or interrupts it by strikes in turn; main lives on and must store every step it sent. */
export async function killTrainer(options: KillOptions, strikes: readonly Strike[] = [KILL]): Promise<KillReport> {
  const { home, reference, rounds, seed, trainer = BUILT.trainer } = options;
  const random = new Random(seed);
  const tally = new Tally();
  const trainers: TrainerProcess[] = [];
  useCompileCache(home);
  const spawn = forkTrainer(trainer);
  const spawnTrainer = (): TrainerProcess => {
    trainers.push(spawn());
    return trainers[trainers.length - 1];
  };
  const nextvec = await home.open({ spawnTrainer, checkpointEveryMs: CHECKPOINT_EVERY_MS });
  const { client } = nextvec;
  let runId: string | null = null;
  while (tally.kills < rounds || runId !== null) {
    if (runId === null) ({ runId } = await client.runs.start({ recipe: reference.recipe }));
    else await client.runs.resume({ runId });
    const next = tally.kills < rounds ? moment(random, reference) : null;
    let timer: NodeJS.Timeout | null = null;
    let isTraining = false;
    let reason = /never struck/;
    const way = strikes[tally.kills % strikes.length];
    const kill = (): void => {
      timer ??= setTimeout(() => (reason = way.strike(trainers[trainers.length - 1])), next?.afterMs);
    };
    // Others than a kill need a trainer at work.
    if (next?.isEarly && way === KILL) kill();
    const life = await watchLife(client, runId, (progress) => {
      isTraining = true;
      if (next !== null && isReached(next, progress)) kill();
    });
    if (timer !== null) clearTimeout(timer);
    if (life.status === 'finished') {
      await checkFinished(home, client, runId, reference);
      tally.finished(runId);
      runId = null;
      continue;
    }
    assert.equal(life.status, 'interrupted');
    assert.match(life.reason, reason);
    const stored = await checkKilled(home, client, runId, reference);
    assert.ok(stored >= life.sent, `the window was sent ${life.sent} steps, the history holds ${stored}`);
    tally.kill(runId, isTraining ? life.stage : null);
    await way.after?.(client, runId);
  }
  await nextvec.close();
  await checkOwned(home);
  return tally.report();
}

/** Kills owner and trainer at once, as a power cut; or the owner alone, whose trainer must exit by itself. */
function killOwner({ owner }: OwnerProcess, alone: boolean): void {
  if (owner.pid === undefined || owner.exitCode !== null) return;
  if (alone) owner.kill('SIGKILL');
  else process.kill(-owner.pid, 'SIGKILL');
}

/** Steps committed just before the kill; none may be missing after it. */
async function committed(home: TestHome, runId: string | undefined): Promise<number> {
  if (runId === undefined) return 0;
  const reader = await home.open({ access: 'reader' });
  try {
    return (await reader.client.runs.series({ runId, columns: ['total'], maxPoints: 20_000 })).step.length;
  } finally {
    await reader.close();
  }
}

/** Waits for the moment of the kill; false if the owner has exited before. */
async function untilMoment(life: OwnerProcess, next: Moment): Promise<boolean> {
  const ended = life.exited.then(() => false);
  const isDue = (): boolean => next.isEarly || (life.wasTraining && life.last !== null && isReached(next, life.last));
  const due = new Promise<boolean>((resolve) => {
    const look = (): void => void (isDue() && resolve(true));
    life.owner.on('message', look);
    look();
  });
  if (!(await Promise.race([due, ended]))) return false;
  const waited = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(true), next.afterMs);
  });
  return Promise.race([waited, ended]);
}

/** Kills the whole program; the history must stay readable and hold all committed steps, and the next start own everything. */
export async function killProgram(options: KillOptions): Promise<KillReport> {
  const { home, reference, rounds, seed } = options;
  const random = new Random(seed);
  const tally = new Tally();
  let isOpen = false;
  while (tally.kills < rounds || isOpen) {
    const isKill = tally.kills < rounds;
    const life = startOwner(home, reference.recipe);
    let before = 0;
    if (isKill) {
      const next = moment(random, reference);
      const alone = random.uniform() < 0.5;
      if (await untilMoment(life, next)) {
        before = await committed(home, life.last?.runId);
        killOwner(life, alone);
      }
    }
    await life.exited;
    const reader = await home.open({ access: 'reader' });
    const [run] = await reader.client.runs.list();
    if (life.last?.isFinished) {
      await checkFinished(home, reader.client, run.id, reference);
      tally.finished(run.id);
      isOpen = false;
    } else {
      assert.ok(isKill, 'an owner that nobody killed ended before its run did');
      const stored = await checkKilled(home, reader.client, run.id, reference);
      assert.ok(stored >= before, `${before} steps were committed before the kill, ${stored} are there after it`);
      tally.mostUnflushed = Math.max(tally.mostUnflushed, (life.last?.sent ?? 0) - stored);
      tally.kill(run.id, life.wasTraining ? (life.last?.stage ?? 0) : null);
      isOpen = run.status !== 'finished';
    }
    await reader.close();
    await checkOwned(home);
  }
  return tally.report();
}
