/** The whole program killed with -9 again and again at random moments: history readable, same bits as undisturbed. */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '#engine/random.ts';
import { followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

const KILLS = 3;

let home: TestHome;
beforeAll(async () => {
  home = await testHome();
});
afterAll(() => home.dispose());

async function weights(folder: string, runId: string): Promise<string> {
  const [name] = (await readdir(join(folder, 'runs', runId))).filter((n) => n.startsWith('last-'));
  const file = await readFile(join(folder, 'runs', runId, name, 'model.safetensors'));
  return createHash('sha256').update(file).digest('hex');
}

interface Life {
  readonly finished: string | null;
  /** Furthest step it was seen at. */
  readonly step: number;
}

/** One life of the owner; killed `afterMs` after its trainer runs, or left alone. */
function live(folder: string, recipe: object, afterMs: number | null): Promise<Life> {
  const owner = fork(new URL('./owner.ts', import.meta.url), [folder, JSON.stringify(recipe)], { execArgv: [] });
  let finished: string | null = null;
  let step = 0;
  let timer: NodeJS.Timeout | null = null;
  owner.on('message', (message: { running?: number; finished?: string }) => {
    finished ??= message.finished ?? null;
    step = Math.max(step, message.running ?? 0);
    if (afterMs !== null) timer ??= setTimeout(() => owner.kill('SIGKILL'), afterMs);
  });
  return new Promise((resolve) => {
    owner.once('exit', () => {
      if (timer !== null) clearTimeout(timer);
      resolve({ finished, step });
    });
  });
}

test('a run survives kill -9 of the whole program, bit for bit', async () => {
  const undisturbed = await home.open();
  const dataset = await importChunks(undisturbed.client, join(home.path, 'walks.npz'), {
    articles: 40,
    chunksPerArticle: 12,
    D: 16,
  });
  const recipe = { dataset, epochs: 16, batchSize: 16, engine: 'simd', threads: 1, lambda: { mse: 1, info_nce: 0.1 } };
  const { runId } = await undisturbed.client.runs.start({ recipe: recipe as never });
  await followTo(undisturbed.client, runId, 'finished');
  const columns = ['total', 'gradNorm'] as const;
  const series = await undisturbed.client.runs.series({ runId, columns: [...columns], maxPoints: 20_000 });
  const epochs = (await undisturbed.client.runs.get({ runId })).epochs.map(({ valCosine }) => valCosine);
  await undisturbed.close();
  const expected = await weights(join(home.path, 'home'), runId);

  const folder = join(home.path, 'killed');
  const preparing = await home.open({ home: folder });
  const again = await importChunks(preparing.client, join(home.path, 'walks.npz'), {
    articles: 40,
    chunksPerArticle: 12,
    D: 16,
  });
  await preparing.close();
  const random = new Random(Date.now());
  let life: Life = { finished: null, step: 0 };
  for (let kill = 0; kill < KILLS && life.finished === null; kill++) {
    life = await live(folder, { ...recipe, dataset: again }, random.integer(1200));
    const reader = await home.open({ home: folder, access: 'reader' });
    const [run] = await reader.client.runs.list();
    const stored = await reader.client.runs.series({ runId: run.id, columns: ['total'], maxPoints: 20_000 });
    expect(Array.from(stored.mean.total ?? [])).toEqual(Array.from(series.mean.total).slice(0, stored.step.length));
    await reader.close();
  }
  if (life.finished === null) life = await live(folder, recipe, null);
  expect(life.finished).not.toBeNull();
  expect(await weights(folder, life.finished!)).toBe(expected);
  const reader = await home.open({ home: folder, access: 'reader' });
  const after = await reader.client.runs.series({ runId: life.finished!, columns: [...columns], maxPoints: 20_000 });
  expect(after.mean).toEqual(series.mean);
  expect(after.step).toEqual(series.step);
  const detail = await reader.client.runs.get({ runId: life.finished! });
  expect(detail.epochs.map(({ valCosine }) => valCosine)).toEqual(epochs);
}, 180_000);
