/** Rounds of kill -9 of a program while several runs train in it; each is compared with the same run undisturbed. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Random } from '#engine/random.ts';
import type { TestHome } from '../nextvec.ts';
import { programFile } from '../programs.ts';
import { checkOwned } from './owned.ts';
import { CHECKPOINT_EVERY_MS, useCompileCache } from './owner-process.ts';
import type { SeveralMessage } from './owner-of-several.ts';
import { checkFinished, checkKilled, type Reference } from './reference.ts';

export interface SeveralOptions {
  readonly home: TestHome;
  /** One for each run that trains at once, with different seeds. */
  readonly references: readonly Reference[];
  readonly rounds: number;
  readonly seed: number;
}

export interface SeveralReport {
  /** All of them while every run was training. */
  readonly kills: number;
  /** Runs that were killed at least once and ended bit for bit as the undisturbed one. */
  readonly runsFinished: number;
  /** Most steps of one run that were sent to its watcher but not yet stored at a kill. */
  readonly mostUnflushed: number;
}

/** Of a recipe that names none. */
const DEFAULT_SEED = 7;
/** Latest kill after every run has taken a step in this life, ms. */
const WITHIN_MS = 300;

interface Life {
  readonly owner: ChildProcess;
  last: SeveralMessage | null;
  readonly exited: Promise<void>;
}

function startOwner(home: TestHome, references: readonly Reference[]): Life {
  useCompileCache(home);
  // Without threads of their own: they share the cores, and take over those of a run that has ended.
  const recipes = references.map(({ recipe }) => ({ ...recipe, threads: null }));
  const args = [join(home.path, 'home'), JSON.stringify(recipes), String(CHECKPOINT_EVERY_MS)];
  const owner = fork(programFile('tests/support/kill/owner-of-several.ts'), args, { execArgv: [], detached: true });
  const exited = new Promise<void>((resolve) => {
    owner.once('exit', () => resolve());
  });
  const life: Life = { owner, last: null, exited };
  owner.on('message', (message: SeveralMessage) => {
    life.last = message;
  });
  return life;
}

/** Kills a program once all its runs train, with its trainers or without them; false: they had ended before. */
async function killTraining({ owner, exited }: Life, runs: number, random: Random): Promise<boolean> {
  const afterMs = random.integer(WITHIN_MS);
  const alone = random.uniform() < 0.5;
  const due = new Promise<boolean>((resolve) => {
    owner.on('message', ({ training }: SeveralMessage) => {
      if (training === runs) setTimeout(resolve, afterMs, true);
    });
  });
  const isDue = await Promise.race([due, exited.then(() => false)]);
  if (!isDue || owner.pid === undefined || owner.exitCode !== null) return false;
  if (alone) owner.kill('SIGKILL');
  else process.kill(-owner.pid, 'SIGKILL');
  return true;
}

/** Holds every run against its reference; returns how many have finished and the most steps that were lost. */
async function checkRuns(
  home: TestHome,
  references: readonly Reference[],
  sent: SeveralMessage['sent'],
): Promise<{ finished: string[]; lost: number }> {
  const reader = await home.open({ access: 'reader' });
  try {
    const finished: string[] = [];
    let lost = 0;
    for (const { id, status, recipe } of await reader.client.runs.list()) {
      const reference = references.find((one) => (one.recipe.seed ?? DEFAULT_SEED) === recipe.seed);
      if (reference === undefined || !(id in sent)) continue;
      if (status === 'finished') {
        await checkFinished(home, reader.client, id, reference);
        finished.push(id);
      } else lost = Math.max(lost, sent[id] - (await checkKilled(home, reader.client, id, reference)));
    }
    return { finished, lost };
  } finally {
    await reader.close();
  }
}

/** Every run must go on after each kill, and end with the weights of the undisturbed one. */
export async function killSeveral({ home, references, rounds, seed }: SeveralOptions): Promise<SeveralReport> {
  const random = new Random(seed);
  const killed = new Set<string>();
  const finished = new Set<string>();
  let kills = 0;
  let mostUnflushed = 0;
  for (let isOpen = false; kills < rounds || isOpen;) {
    const life = startOwner(home, references);
    const wasKilled = kills < rounds && (await killTraining(life, references.length, random));
    await life.exited;
    if (life.last === null) throw new Error('a program ended before it said anything');
    const { sent, isFinished } = life.last;
    const checked = await checkRuns(home, references, sent);
    if (wasKilled) {
      kills++;
      for (const id of Object.keys(sent)) killed.add(id);
      mostUnflushed = Math.max(mostUnflushed, checked.lost);
    } else assert.ok(isFinished, 'a program that nobody killed ended before its runs did');
    for (const id of checked.finished) if (killed.has(id)) finished.add(id);
    isOpen = checked.finished.length < Object.keys(sent).length;
    await checkOwned(home);
  }
  return { kills, runsFinished: finished.size, mostUnflushed };
}
