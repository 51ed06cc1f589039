/**
 * A sweep of AMN members on the sample: one run after the other on all cores against two at once with a thread each,
 * interleaved. The weights of every member must be the same. Also the peak memory of the trainers against the estimate.
 * Prints one JSON line. Usage: node bench/parallel-sweep.ts [--rounds 2] [--members 12] [--epochs 2] [--parallel 2]
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sweep } from '#shared/contract/plans.ts';
import type { PlanSpecInput } from '#shared/domain/plans/plans.ts';
import { MODEL_FILE } from '../src/main/checkpoints/manifest.ts';
import { forkTrainer } from '../src/main/processes/trainer-process.ts';
import { testHome, type TestHome } from '../tests/support/nextvec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    members: { type: 'string', default: '12' },
    epochs: { type: 'string', default: '2' },
    parallel: { type: 'string', default: '2' },
  },
});
const members = Number(values.members);
const epochs = Number(values.epochs);

interface Arm {
  readonly name: string;
  readonly parallel: number;
  readonly threads: number | null;
}

const ARMS: readonly Arm[] = [
  { name: 'one after the other, all cores', parallel: 1, threads: null },
  { name: `${values.parallel} at once, one thread each`, parallel: Number(values.parallel), threads: 1 },
];

/** Most memory that a process ever had, bytes; 0 where the system does not say. */
function peakBytes(pid: number | undefined): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function sweep(home: TestHome, { parallel, threads }: Arm) {
  const spawn = forkTrainer('src/main/trainer/entry.ts');
  const peaks = new Map<number, number>();
  const watched = setInterval(() => {
    for (const pid of peaks.keys()) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakBytes(pid)));
  }, 200);
  const spawnTrainer = () => {
    const trainer = spawn();
    if (trainer.pid !== undefined) peaks.set(trainer.pid, 0);
    return trainer;
  };
  const nextvec = await home.open({ parallel, runsQueue: true, spawnTrainer });
  const { client } = nextvec;
  try {
    const { train: dataset } = await client.datasets.importSample();
    const recipe = { epochs, engine: 'simd', threads };
    const item: NonNullable<PlanSpecInput['items']>[number] = {
      key: 'sweep',
      kind: 'sweep',
      recipe,
      sweep: {
        axes: [{ kind: 'range', path: 'lr', low: 1e-5, high: 1e-3, scale: 'log' }],
        method: 'random',
        members,
        seeds: 1,
      },
    };
    const estimate = await client.runs.preflight({ recipe: { ...recipe, engine: 'simd', dataset: dataset.id } });
    const startedMs = performance.now();
    const plan = await client.plans.create({ name: 'sweep', dataset: dataset.id, items: [item] });
    for await (const { plans } of await client.plans.watch()) {
      const status = plans.find(({ id }) => id === plan.id)?.status;
      if (status !== 'running' && status !== 'waiting') break;
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const weights = await hashes(home, await client.plans.sweep({ itemId: plan.items[0].id }));
    return { seconds, weights, peakBytes: Math.max(...peaks.values()), estimateBytes: estimate.memoryBytes };
  } finally {
    clearInterval(watched);
    await nextvec.close();
  }
}

/** Of the last weights of every member, by its point. */
async function hashes(home: TestHome, { members: all }: Sweep): Promise<Record<string, string>> {
  return Object.fromEntries(
    all.map(({ point, runs }) => {
      const folder = join(home.path, 'home', 'runs', String(runs[0].runId));
      const last = readdirSync(folder).find((name) => name.startsWith('last-'));
      const file = readFileSync(join(folder, String(last), MODEL_FILE));
      return [JSON.stringify(point), createHash('sha256').update(file).digest('hex')];
    }),
  );
}

const home = await testHome();
try {
  const rounds: Record<string, number[]> = Object.fromEntries(ARMS.map(({ name }) => [name, []]));
  let reference: Record<string, string> | null = null;
  let peak = 0;
  let estimateBytes = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const arm of round % 2 === 0 ? ARMS : ARMS.toReversed()) {
      const one = await sweep(home, arm);
      reference ??= one.weights;
      assert.deepEqual(one.weights, reference, `${arm.name}: other weights`);
      rounds[arm.name].push(Number(one.seconds.toFixed(1)));
      peak = Math.max(peak, one.peakBytes);
      estimateBytes = one.estimateBytes;
      console.error(JSON.stringify({ round, arm: arm.name, seconds: one.seconds, load: loadavg()[0] }));
    }
  }
  const runs = members + 1;
  console.log(JSON.stringify({ runs, epochs, seconds: rounds, weights: 'identical', peakBytes: peak, estimateBytes }));
} finally {
  await home.dispose();
}
