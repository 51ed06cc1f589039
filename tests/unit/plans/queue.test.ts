/** Plans through the services: gates, retry, skip, move, pause; killed in the middle; sweeps with seeds and halving. */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Plan, Queue, QueueItem, Sweep } from '#shared/contract/plans.ts';
import { parsePlan, type PlanSpec, type PlanSpecInput } from '#shared/domain/plans/plans.ts';
import { signed } from '#shared/domain/figures.ts';
import { recoverPlan, type RecoverInput } from '#shared/domain/plans/plan-templates.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { QueueWorker } from '../../../src/main/plans/queue-worker.ts';
import type { RunService } from '../../../src/main/runs/service.ts';
import { openHome } from '../../../src/main/store/home.ts';
import { insertPlan, listItems, listMembers, putSweepRun, updateItem } from '../../../src/main/store/plans.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { programFile } from '../../support/programs.ts';
import { trainerHere } from '../../support/trainer-here.ts';

const RECIPE = { epochs: 2, batchSize: 32, engine: 'simd', threads: 1, sizes: { dModel: 8, hiddenDim: 16 } };
const SMALL_LSTM = { sizes: { hiddenDim: 16 } };
const EASY = { metric: 'valCosine', minimum: -1 } as const;
const NEVER = { metric: 'valCosine', minimum: 0.999 } as const;

/** Many short trainings, also on a loaded machine. */
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;

/** Trains in this process; processes train where they are killed or measured side by side. */
async function open(runsQueue = true, parallel = 1): Promise<Nextvec> {
  return home.open({ runsQueue, parallel, checkpointEveryMs: 100, spawnTrainer: trainerHere });
}

beforeAll(async () => {
  home = await testHome();
  const first = await open(false);
  dataset = await importChunks(first.client, join(home.path, 'walks.npz'), {
    articles: 20,
    chunksPerArticle: 10,
    D: 16,
  });
  await first.close();
});
afterAll(() => home.dispose());
beforeEach(async () => {
  nextvec = await open();
});
afterEach(async () => {
  for (const { id } of (await nextvec.client.plans.queue()).plans) await nextvec.client.plans.remove({ planId: id });
  await nextvec.close();
});

async function until(holds: (queue: Queue) => boolean): Promise<Queue> {
  for await (const queue of await nextvec.client.plans.watch()) if (holds(queue)) return queue;
  throw new Error('the queue ended');
}

async function settled(planId: number): Promise<Plan> {
  const isSettled = ({ plans }: Queue) => {
    const plan = plans.find(({ id }) => id === planId);
    return plan !== undefined && plan.status !== 'running' && plan.status !== 'waiting';
  };
  return (await until(isSettled)).plans.find(({ id }) => id === planId) as Plan;
}

function statuses(plan: Plan): Record<string, string> {
  return Object.fromEntries(plan.items.map(({ key, status }) => [key, status]));
}

function itemOf(plan: Plan, key: string): QueueItem {
  return plan.items.find((item) => item.key === key) as QueueItem;
}

/** The LSTM is a small one: the published one has checkpoints of 38 MB. */
function recover(minimum: number): PlanSpecInput {
  const gates = [{ metric: 'valCosine' as const, minimum }];
  const plan = recoverPlan({ template: 'recover', dataset, recipe: RECIPE, gates, cures: false, models: ['lstm'] });
  const items = plan.items.map((item) =>
    item.key === 'lstm' && item.kind === 'train' ? { ...item, recipe: { ...item.recipe, ...SMALL_LSTM } } : item,
  );
  return { ...plan, items };
}

/** Two trainings without gates, the second a short one after the first. */
function pair(recipe: object = RECIPE): PlanSpecInput {
  return {
    name: 'pair',
    dataset,
    items: [
      { key: 'a', kind: 'train', recipe: { ...recipe } },
      { key: 'b', kind: 'train', needs: ['a'], like: 'a', recipe: { seed: 8, epochs: 1 } },
    ],
  };
}

describe('the plan "recover"', () => {
  test('a missed AMN gate blocks the others with a reason; a fixed recipe unblocks them', async () => {
    const made = await nextvec.client.plans.create(recover(0.999));
    const stopped = await settled(made.id);
    expect(statuses(stopped)).toEqual({ amn: 'missed', lstm: 'blocked', report: 'blocked' });
    const amn = itemOf(stopped, 'amn');
    expect(amn.reason).toMatch(/misses its gate: validation cosine \S+, below 0\.9990/);
    expect(itemOf(stopped, 'lstm').reason).toContain(amn.reason);
    expect(itemOf(stopped, 'lstm').runId).toBeNull();

    const same = nextvec.client.plans.retry({ itemId: amn.id });
    await expect(same).rejects.toMatchObject({ data: { code: 'CONFLICT' } });
    // Another recipe under the same gate misses again; then a lower gate passes.
    await nextvec.client.plans.retry({ itemId: amn.id, changes: { lr: 2e-3 } });
    const again = await settled(made.id);
    expect(itemOf(again, 'amn')).toMatchObject({ status: 'missed', tries: [{ runId: amn.runId }, {}] });
    expect(itemOf(again, 'amn').runId).not.toBe(amn.runId);
    await nextvec.client.plans.retry({ itemId: amn.id, gates: [EASY] });
    const done = await settled(made.id);
    expect(statuses(done)).toEqual({ amn: 'done', lstm: 'done', report: 'done' });
    expect(itemOf(done, 'amn').runId).toBe(itemOf(again, 'amn').runId);
    expect(itemOf(done, 'lstm').recipe).toMatchObject({ modelType: 'lstm', lr: 2e-3, epochs: 2 });
    const { run } = await nextvec.client.runs.get({ runId: itemOf(done, 'lstm').runId! });
    expect(run.recipe).toMatchObject({ modelType: 'lstm', lr: 2e-3 });
    expect(run.status).toBe('finished');
    const report = readFileSync(itemOf(done, 'report').reportPath!, 'utf8');
    expect(report).toContain('LSTM');
    expect(report).toMatch(/^Best of \d+: (amn \(AMN\)|lstm \(LSTM\)), run #\d+, /m);
    expect(report).toContain('earlier try: missed');
  });

  test('continues when AMN is skipped', async () => {
    const made = await nextvec.client.plans.create(recover(0.999));
    await settled(made.id);
    await nextvec.client.plans.skip({ itemId: made.items[0].id });
    expect(statuses(await settled(made.id))).toEqual({ amn: 'skipped', lstm: 'done', report: 'done' });
  });

  test('trains the cures and the mixture although AMN misses, and checks its claim', async () => {
    const spec: RecoverInput = { template: 'recover', dataset, recipe: RECIPE, gates: [NEVER], models: [] };
    const made = await nextvec.client.plans.create(recoverPlan(spec));
    const done = await settled(made.id);
    expect(statuses(done)).toEqual({ amn: 'missed', cured: 'done', gram: 'done', report: 'done' });
    const report = readFileSync(itemOf(done, 'report').reportPath!, 'utf8');
    expect(report).toMatch(
      /gram.*run #\d+: (held|did not hold|not settled)[.,].*validation lift over the best baseline/,
    );
    expect(report).toMatch(/amn.*run #\d+: .*it does not see the order of its context/);
  });
});

describe('the queue', () => {
  test('runs items in order; the order can be changed', async () => {
    await nextvec.close();
    nextvec = await open(false);
    const first = await nextvec.client.plans.create({ ...pair(), name: 'first' });
    const second = await nextvec.client.plans.create({ ...pair(), name: 'second' });
    await nextvec.client.plans.move({ itemId: second.items[0].id, beforeId: first.items[0].id });
    const order = (await nextvec.client.plans.queue()).order;
    expect(order).toEqual([second.items[0].id, first.items[0].id, first.items[1].id, second.items[1].id]);
    await nextvec.close();
    nextvec = await open();
    await settled(second.id);
    const plans = [await settled(first.id), await settled(second.id)];
    const started = plans
      .flatMap(({ items }) => items)
      .toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
      .map(({ id }) => id);
    expect(started).toEqual(order);
  });

  test('a paused item waits; resuming finishes its run', async () => {
    const made = await nextvec.client.plans.create(pair({ ...RECIPE, epochs: 40 }));
    const itemId = made.items[0].id;
    await until(({ plans }) => (plans.at(-1)?.items[0].progress ?? 0) > 0.05);
    await nextvec.client.plans.pause({ planId: made.id, itemId: null });
    await until(({ plans }) => plans.at(-1)?.items[0].reason.includes('is paused') ?? false);
    expect(statuses((await nextvec.client.plans.queue()).plans.at(-1)!)).toEqual({ a: 'held', b: 'held' });
    await nextvec.client.plans.resume({ planId: made.id, itemId: null });
    await nextvec.client.plans.pause({ planId: null, itemId: made.items[1].id });
    const paused = await settled(made.id);
    expect(statuses(paused)).toEqual({ a: 'done', b: 'held' });
    const run = (await nextvec.client.runs.list()).find(({ id }) => id === paused.items[0].runId);
    expect(run).toMatchObject({ status: 'finished', epoch: 40 });
    expect(itemId).toBe(paused.items[0].id);
  });

  test('stopping a run fails its item; a retry continues from its checkpoint', async () => {
    const made = await nextvec.client.plans.create(pair({ ...RECIPE, epochs: 40 }));
    const running = await until(({ plans }) => (plans.at(-1)?.items[0].progress ?? 0) > 0.05);
    const runId = running.plans.at(-1)!.items[0].runId!;
    await nextvec.client.runs.stop({ runId });
    const failed = await settled(made.id);
    expect(statuses(failed)).toEqual({ a: 'failed', b: 'blocked' });
    expect(failed.items[0].reason).toContain('Stopped on request');
    await nextvec.client.plans.retry({ itemId: made.items[0].id });
    const done = await settled(made.id);
    expect(statuses(done)).toEqual({ a: 'done', b: 'done' });
    expect(done.items[0].runId).toBe(runId);
  });

  test('refuses invalid requests with code and place', async () => {
    await expect(nextvec.client.plans.skip({ itemId: 9999 })).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } });
    const missing = nextvec.client.plans.create({ ...pair(), dataset: 'nowhere' });
    await expect(missing).rejects.toMatchObject({ data: { code: 'NOT_FOUND', place: 'dataset' } });
    const bad = nextvec.client.plans.create(pair({ lr: -1 }));
    await expect(bad).rejects.toMatchObject({ data: { code: 'BAD_INPUT' } });
  });
});

/** Runs owner.ts on the folder and kills it once an item is running. */
function killedInTheMiddle(spec: PlanSpecInput, parallel = 1): Promise<void> {
  const args = [join(home.path, 'home'), JSON.stringify(spec), String(parallel)];
  const owner = fork(programFile('tests/unit/plans/owner.ts'), args, { execArgv: [] });
  owner.once('message', () => owner.kill('SIGKILL'));
  return new Promise((resolve) => {
    owner.once('exit', () => resolve());
  });
}

test('after a kill it continues at the next start: the run, then the rest', async () => {
  await nextvec.close();
  await killedInTheMiddle(pair({ ...RECIPE, epochs: 60 }));
  const reader = await home.open({ access: 'reader' });
  const before = (await reader.client.plans.queue()).plans[0];
  expect(statuses(before)).toEqual({ a: 'running', b: 'waiting' });
  await reader.close();
  // A command that only lists does not train.
  const lists = await open(false);
  expect((await lists.client.runs.get({ runId: before.items[0].runId! })).run.status).toBe('interrupted');
  await lists.close();
  nextvec = await open();
  const done = await settled(before.id);
  expect(statuses(done)).toEqual({ a: 'done', b: 'done' });
  expect(done.items[0].runId).toBe(before.items[0].runId);
  const { run, epochs, log } = await nextvec.client.runs.get({ runId: done.items[0].runId! });
  expect(run.epoch).toBe(60);
  expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect(log.some(({ message }) => message.startsWith('Goes on from step'))).toBe(true);
});

test('a stored item that this version refuses fails alone; later sweeps are trained', async () => {
  await nextvec.close();
  const recipe = { ...RECIPE, epochs: 1 };
  const sweep = (key: string, values: number[], more: object = {}) => ({
    key,
    kind: 'sweep' as const,
    recipe: { ...recipe, ...more },
    like: null,
    needs: [],
    held: false,
    sweep: {
      axes: [{ kind: 'values' as const, path: 'lambda.mse', values }],
      method: 'grid' as const,
      members: 2,
      seeds: 1,
      objective: 'valCosine' as const,
      halving: null,
    },
  });
  const stored = {
    name: 'old',
    dataset,
    ood: null,
    items: [
      sweep('points', [0, 0.5]),
      sweep('base', [0.5, 1], { lr: -1 }),
      { needs: [], gates: [], like: null, held: false, key: 'run', kind: 'train', recipe: { epochs: 0 } },
    ],
  };
  const owner = openHome(join(home.path, 'home'), 'owner', 'node');
  const planId = insertPlan(owner.db, stored as unknown as PlanSpec, 0);
  const [points] = listItems(owner.db);
  updateItem(owner.db, points.id, { status: 'running' });
  await owner.close();

  nextvec = await open();
  const { id } = await nextvec.client.plans.create({ name: 'new', dataset, items: [sweep('new', [0.5, 1])] });
  expect((await settled(id)).items[0]).toMatchObject({ status: 'done', reason: '' });
  const old = await settled(planId);
  expect(statuses(old)).toEqual({ points: 'done', base: 'failed', run: 'failed' });
  expect(itemOf(old, 'base')).toMatchObject({ recipe: null, reason: expect.stringContaining('lr: ') });
  expect(itemOf(old, 'run').reason).toContain('epochs: ');
  const { members } = await nextvec.client.plans.sweep({ itemId: points.id });
  expect(members.map(({ state }) => state)).toEqual(['finished', 'failed', 'finished']);
  expect(members[1].runs[0].failure).toContain('lambda.mse=0: Every loss weight λ is 0');
});

test('--parallel auto measures one run on all cores and two on half of them, and records both', async () => {
  await nextvec.close();
  const machine = { cores: 2, memoryBytes: 2 ** 33, devices: 1 };
  nextvec = await home.open({ runsQueue: true, parallel: 'auto', machine });
  const recipe = { ...RECIPE, threads: null, epochs: 1 };
  const items = ['a', 'b'].map((key, seed) => ({ key, kind: 'train' as const, recipe: { ...recipe, seed } }));
  const { id } = await nextvec.client.plans.create({ name: 'auto', dataset, items });
  const done = await settled(id);
  expect(statuses(done)).toEqual({ a: 'done', b: 'done' });
  const { run } = await nextvec.client.runs.get({ runId: itemOf(done, 'a').runId! });
  const measured = run.engine?.sharing?.measured ?? [];
  expect(measured).toMatchObject([
    { runs: 1, threads: 2 },
    { runs: 2, threads: 1 },
  ]);
  expect(measured.every(({ rowsPerSecond }) => rowsPerSecond > 0)).toBe(true);
});

describe('a sweep', () => {
  let uninterrupted: Sweep | null = null;
  const results = ({ members }: Sweep) => members.map(({ point, epochs, figures }) => ({ point, epochs, figures }));
  const spec = (): PlanSpecInput => ({
    name: 'sweep',
    dataset,
    items: [
      {
        key: 'sweep',
        kind: 'sweep',
        // Eight validation articles: intervals need five.
        recipe: { ...RECIPE, epochs: 4, lr: 1e-6, split: { kind: 'article', validationShare: 0.4 } },
        sweep: {
          axes: [{ kind: 'range', path: 'lr', low: 1e-6, high: 3e-3, scale: 'log' }],
          method: 'tpe',
          members: 3,
          seeds: 2,
          halving: { eta: 2, firstEpochs: 2 },
        },
      },
    ],
  });

  test('trains members with seeds, stops weak ones early; its winner beats a weak plain recipe', async () => {
    const { items, ...rest } = spec();
    const report = { key: 'report', kind: 'report' as const, needs: ['sweep'] };
    const made = await nextvec.client.plans.create({ ...rest, items: [...items, report] });
    const done = await settled(made.id);
    expect(statuses(done)).toEqual({ sweep: 'done', report: 'done' });
    const sweep = await nextvec.client.plans.sweep({ itemId: made.items[0].id });
    uninterrupted = sweep;
    expect(sweep.rungs).toEqual([2, 4]);
    expect(sweep.members).toHaveLength(4);
    expect(sweep.members[0]).toMatchObject({ member: 0, epochs: 4, state: 'finished', point: { lr: 1e-6 } });
    expect(sweep.members.some(({ state, epochs }) => state === 'ended' && epochs < 4)).toBe(true);
    const [plain] = sweep.members;
    const winner = sweep.members.find(({ member }) => member === sweep.winner)!;
    expect(winner.epochs).toBe(4);
    expect(winner.figures.valLift!.n).toBe(2);
    expect(winner.figures.valLift!.mean).toBeGreaterThan(plain.figures.valLift!.mean);
    expect(sweep.recipe).toMatchObject({ lr: winner.point.lr, seed: 7 });
    expect(sweep.commandLine).toContain('--lr');

    // All members use the same seeds; all runs of a member trained the same epochs.
    const runs = new Map((await nextvec.client.runs.list()).map((run) => [run.id, run]));
    for (const member of sweep.members) {
      expect(member.runs.map(({ seed }) => seed)).toEqual([7, 8]);
      for (const { runId } of member.runs) {
        const run = runs.get(runId!)!;
        expect(run.recipe.lr).toBe(member.point.lr);
        expect(run.sparkline).toHaveLength(member.epochs);
        expect(run.status).toBe(member.epochs === 4 ? 'finished' : 'stopped');
      }
    }
    const values = winner.runs.map(({ runId }) => runs.get(runId!)!.valLift!);
    const { mean } = winner.figures.valLift!;
    expect(mean).toBeCloseTo((values[0] + values[1]) / 2, 12);

    // Two seeds: the interval over articles and seeds is wider than that of one run over its articles.
    const { low, high } = winner.intervals.valLift!;
    const ofRun = runs.get(winner.runs[0].runId!)!.best!.intervals!.valLift!;
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThan(mean);
    expect(high - low).toBeGreaterThan(ofRun.high - ofRun.low);
    const gain = mean - plain.figures.valLift!.mean;
    expect(sweep.gainIntervals.validation!.low).toBeLessThan(gain);
    expect(sweep.gainIntervals.validation!.high).toBeGreaterThan(gain);
    expect(sweep.gainIntervals.ood).toBeNull();

    const text = readFileSync(itemOf(done, 'report').reportPath!, 'utf8');
    expect(text).toContain(`Member ${winner.member} wins by valLift; over the plain recipe it gains +`);
    const { std } = winner.figures.valLift!;
    expect(text).toContain(`${signed(mean)} ± ${std!.toFixed(4)} \\[${signed(low)}, ${signed(high)}\\]`);
  });

  test('with three runs at once, killed, skipped and retried, it gives the same figures as uninterrupted', async () => {
    if (uninterrupted === null) throw new Error('needs the sweep above');
    await nextvec.close();
    await killedInTheMiddle(spec(), 3);
    nextvec = await open(true, 3);
    const { plans } = await nextvec.client.plans.queue();
    const again = plans.at(-1)!;
    expect(again.status).toBe('running');
    const itemId = again.items[0].id;
    await until(({ plans: now }) => (now.at(-1)?.items[0].progress ?? 0) > (again.items[0].progress ?? 1));
    await nextvec.client.plans.skip({ itemId });
    expect(statuses(await settled(again.id))).toEqual({ sweep: 'skipped' });
    await nextvec.client.plans.retry({ itemId });
    expect(statuses(await settled(again.id))).toEqual({ sweep: 'done' });
    const sweep = await nextvec.client.plans.sweep({ itemId });
    expect(results(sweep)).toEqual(results(uninterrupted));
    expect(sweep.winner).toBe(uninterrupted.winner);

    // A run that ended by itself while its item was being skipped: nothing of its last rung was stored.
    await nextvec.close();
    const own = openHome(join(home.path, 'home'), 'owner', 'node');
    const [run] = listMembers(own.db, itemId)[0].runs;
    putSweepRun(own.db, itemId, 0, { ...run, figures: run.figures.slice(0, -1) });
    updateItem(own.db, itemId, { status: 'skipped' });
    own.close();
    nextvec = await open(true, 3);
    await nextvec.client.plans.retry({ itemId });
    expect(statuses(await settled(again.id))).toEqual({ sweep: 'done' });
    expect(results(await nextvec.client.plans.sweep({ itemId }))).toEqual(results(uninterrupted));
  });
});

test('the room for runs is computed once a step, however many items wait', () => {
  const own = openHome(join(home.path, 'waiting'), 'owner', 'node');
  const items = ['a', 'b', 'c'].map((key) => ({ key, kind: 'train' }));
  insertPlan(own.db, parsePlan({ name: 'p', dataset: 'd', items }, 'plan.json'), 0);
  const places = vi.fn<() => number>(() => 0);
  new QueueWorker({ home: own, runs: { places } as unknown as RunService, appVersion: '1', isRunning: true }).tick();
  expect(places).toHaveBeenCalledTimes(1);
  expect(listItems(own.db).map(({ status }) => status)).toEqual(['waiting', 'waiting', 'waiting']);
  own.close();
});
