/**
 * Sweeps of hostile axes, ranges, values and methods, through the command line and through `plans.create`. The trainer
 * of a plan that was accepted dies at once: the plan must end by itself, with every member failed for a reason.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '#engine/random.ts';
import type { Plan } from '#shared/contract/plans.ts';
import type { PlanSpecInput } from '#shared/domain/plans/plans.ts';
import { SWEEP_METHODS, SWEPT_FIELDS, type AxisValue } from '#shared/domain/plans/sweeps.ts';
import { dyingTrainer, openVictim, type Victim } from './calls.ts';
import { callOutcome, commandOutcome } from './doors.ts';
import { chance, hostileNumber, hostileText, pick } from './hostile.ts';
import { mutateJson } from './json.ts';
import { LIMIT_MS, type FuzzTarget } from './target.ts';

const WHOLE_AXES = [
  'lr=1e-5..1e-3:log',
  'learningRate=1e-4,5e-4',
  'tau=0.05,0.07,0.1',
  'batchSize=16..64',
  'modelType=amn,gru',
  'lambda.mse=0.1..1:4',
  'clip=0..1:2',
];
const NAMES = [...SWEPT_FIELDS.map(({ path }) => path), 'learningRate', 'seed', 'epochs', 'lambda', '__proto__'];

function axisWord(random: Random): string {
  if (chance(random, 0.7)) return pick(random, WHOLE_AXES);
  if (chance(random, 0.1)) return hostileText(random);
  const value = (): string => (chance(random, 0.8) ? hostileNumber(random) : hostileText(random));
  const option = chance(random, 0.5) ? `:${pick(random, ['log', 'linear', '1', '101', hostileNumber(random)])}` : '';
  const values = chance(random, 0.5) ? `${value()}..${value()}` : `${value()},${value()}`;
  return `${pick(random, NAMES)}=${values}${option}`;
}

/** A `sweep` command with one to three axes. */
export function sweepWords(random: Random): string[] {
  const words = [
    'sweep',
    '--data',
    'x',
    '--vary',
    ...Array.from({ length: 1 + random.integer(3) }, () => axisWord(random)),
  ];
  const method = chance(random, 0.8) ? pick(random, SWEEP_METHODS) : hostileText(random);
  if (chance(random, 0.5)) words.push(`--method=${method}`);
  for (const flag of ['--members', '--seeds', '--halving', '--objective', '--name', '--lr', '--sizes', '--preset']) {
    if (chance(random, 0.08))
      words.push(`${flag}=${chance(random, 0.5) ? hostileNumber(random) : hostileText(random)}`);
  }
  return words;
}

function number(random: Random): AxisValue {
  const word = hostileNumber(random);
  return chance(random, 0.9) ? Number(word) : word;
}

/** A plan whose first axis may hold any value, as a page could send it. */
function sweepPlan(dataset: string, random: Random): PlanSpecInput {
  const path = pick(random, NAMES);
  const odd = chance(random, 0.5)
    ? { kind: 'range' as const, path, low: Number(number(random)), high: Number(number(random)) }
    : { kind: 'values' as const, path, values: [number(random), number(random)] };
  const whole = pick(random, [
    { kind: 'range' as const, path: 'lr', low: 1e-5, high: 1e-3, scale: 'log' as const, steps: 2 },
    { kind: 'values' as const, path: 'modelType', values: ['amn', 'gru'] },
  ]);
  const sweep = {
    axes: [chance(random, 0.5) ? odd : whole],
    method: pick(random, SWEEP_METHODS),
    members: 2,
    seeds: 1,
    halving: chance(random, 0.3) ? { eta: 2, firstEpochs: 1 } : null,
  };
  const items = [{ key: 'sweep', kind: 'sweep' as const, recipe: { epochs: 2, batchSize: 4 }, sweep }];
  return { name: 'fuzz', dataset, items };
}

/** The plan once none of its items waits or runs. */
async function ended({ nextvec: { client } }: Victim, planId: number): Promise<Plan> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  try {
    for await (const { plans } of await client.plans.watch(undefined, { signal })) {
      const plan = plans.find(({ id }) => id === planId);
      if (plan?.status === 'done' || plan?.status === 'stopped') return plan;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  throw new Error(`plan ${planId} has not ended after ${LIMIT_MS} ms`);
}

async function planOutcome(victim: Victim, spec: PlanSpecInput): Promise<string> {
  const { client } = victim.nextvec;
  let planId = 0;
  const outcome = await callOutcome(async () => {
    planId = (await client.plans.create(spec)).id;
  });
  if (outcome !== 'accepted') return outcome;
  const { items } = await ended(victim, planId);
  const silent = items.find(({ status, reason }) => status === 'failed' && reason === '');
  if (silent !== undefined) throw new Error(`item "${silent.key}" failed without a reason`);
  await client.plans.remove({ planId });
  for (const { id } of await client.runs.list()) if (id !== victim.run) await client.runs.delete({ runId: id });
  return outcome;
}

export async function sweeps(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-sweep-'));
  const victim = await openVictim(folder, { spawnTrainer: dyingTrainer, runsQueue: true });
  return {
    name: 'sweep',
    attempt: (seed) => {
      const random = new Random(seed * 69_069 + 1);
      // A plan is stored and worked off, which takes a hundred times as long as a command line.
      if (seed % 4 !== 0) return commandOutcome(sweepWords(random));
      const spec = sweepPlan(victim.dataset, random);
      return planOutcome(victim, seed % 8 === 0 ? spec : (mutateJson(spec, seed) as PlanSpecInput));
    },
    close: async () => {
      await victim.nextvec.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
