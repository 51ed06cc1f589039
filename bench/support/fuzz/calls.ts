/** A Nextvec to send damaged messages to, and one whole message of every kind as a client puts it on the line. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { NextvecClient } from '#shared/contract/index.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { createNextvec, type Nextvec, type NextvecOptions } from '../../../src/main/nextvec.ts';
import type { TrainerExit, TrainerProcess } from '../../../src/main/processes/trainer-process.ts';
import { writeLongRuns } from '../long-run.ts';

export interface Victim {
  readonly nextvec: Nextvec;
  readonly dataset: string;
  readonly run: string;
}

/** A trainer that has died before its first word. */
export function dyingTrainer(): TrainerProcess {
  const events = new EventEmitter();
  setImmediate(() => {
    events.emit('close');
    events.emit('exit', { code: 1, signal: null, stderrTail: '' } satisfies TrainerExit);
  });
  return {
    pid: undefined,
    port: { on: (event, callback) => void events.on(event, callback), postMessage: () => undefined },
    kill: () => undefined,
    onExit: (listener) => void events.once('exit', listener),
  };
}

/** One data set and one finished run of `steps`; without `more`, a call that is accepted by chance cannot start a trainer. */
export async function openVictim(folder: string, more: Partial<NextvecOptions> = {}, steps = 2000): Promise<Victim> {
  const options = {
    home: join(folder, 'home'),
    host: 'node',
    version: '0.0.0-fuzz',
    resourcesDir: 'resources',
    roots: [folder],
    spawnTrainer: () => {
      throw new Error('no trainer is started here');
    },
    ...more,
  } as const;
  const preparing = await createNextvec({ ...options, roots: null, runsQueue: false });
  const zoo = join(import.meta.dirname, '../../../tests/fixtures/zoo/chunks_with_articles.npz');
  let dataset = '';
  for await (const event of await preparing.client.datasets.import({ path: zoo })) {
    if (event.type === 'done') dataset = event.dataset.id;
  }
  await preparing.close();
  const [run] = writeLongRuns(options.home, dataset, steps, 1);
  return { nextvec: await createNextvec(options), dataset, run };
}

/** What a client sends for each of these calls, without anyone answering. */
export async function recordedMessages({ dataset, run }: Victim): Promise<string[]> {
  const sent: string[] = [];
  const port = {
    on: () => undefined,
    postMessage: (message: unknown) => void sent.push(message as string),
  };
  const link = new RPCLink({ port, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  const client: NextvecClient = createORPCClient(link);
  const recipe = RecipeSchema.parse({
    dataset: 'none',
    gates: [{ epoch: 'end', metric: 'valLift', threshold: 0, action: 'stop' }],
  });
  const nobody = { runId: 'none' };
  const calls: (() => Promise<unknown>)[] = [
    () => client.app.info(),
    () => client.app.settings.get(),
    () => client.app.settings.set({ theme: 'dark', engine: 'simd', threads: 2 }),
    () => client.app.files.list({ path: null }),
    () => client.app.files.list({ path: '/nowhere' }),
    () => client.app.commands(),
    () => client.datasets.list(),
    () => client.datasets.get({ id: dataset }),
    () => client.datasets.import({ path: 'nowhere.npz', dtype: 'float16' }),
    () => client.datasets.rename({ id: dataset, name: 'renamed' }),
    () => client.datasets.delete({ id: 'none' }),
    () => client.datasets.articles({ id: dataset }),
    () => client.datasets.proveSplit({ id: 'none', split: recipe.split, seed: 1, ood: null }),
    () => client.runs.list(),
    () => client.runs.get({ runId: run }),
    () => client.runs.changes(),
    () => client.runs.watch({ runId: run }),
    () =>
      client.runs.series({ runId: run, columns: ['total', 'value/mse'], fromStep: 10, toStep: 900, maxPoints: 200 }),
    () => client.runs.preflight({ recipe }),
    () => client.runs.start({ recipe, name: 'a run', tags: ['a', 'b'] }),
    () => client.runs.pause(nobody),
    () => client.runs.resume(nobody),
    () => client.runs.stop({ ...nobody, at: 'epoch-end' }),
    () => client.runs.annotate({ runId: run, name: 'annotated', notes: 'n', tags: ['t'] }),
    () => client.runs.delete(nobody),
    () => client.runs.export({ runId: run, format: 'csv' }),
    () => client.runs.parseCommandLine({ text: 'train.py --lr 1e-3 --epochs 3', base: recipe }),
    () => client.evaluation.list({ runId: run }),
    () => client.evaluation.compareRuns({ runIds: [run, 'none'] }),
    () => client.evaluation.claims(),
  ];
  for (const call of calls) void call().catch(() => undefined);
  while (sent.length < calls.length) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return sent;
}
