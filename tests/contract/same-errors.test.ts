/**
 * One fault, three places: what the page is shown (RPC), stderr of the command with its exit status, and the last line of
 * --json carry the same code, message, place and remedy.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { NextvecClient } from '#shared/contract/index.ts';
import { encodeNpy } from '../../src/main/formats/npy/write.ts';
import { WorkerPool } from '../../src/main/processes/worker-pool.ts';
import { shownError, type ShownError } from '../../src/renderer/ui/feedback/errors.ts';
import { runCommand } from '../support/command.ts';
import { followTo, importChunks, testHome, type TestHome } from '../support/nextvec.ts';
import { TRANSPORTS } from './transports.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

interface Place {
  readonly folder: string;
  /** A whole data set, one whose vectors are damaged, and runs on the whole one. */
  readonly dataset: string;
  readonly damaged: string;
  readonly run: string;
  /** A run whose folder holds the checkpoints of `run`. */
  readonly foreign: string;
}

interface Fault {
  readonly name: string;
  readonly code: string;
  readonly status: number;
  readonly call: (client: NextvecClient, place: Place) => Promise<unknown>;
  readonly words: (place: Place) => readonly string[];
}

async function drain(events: Promise<AsyncIterable<unknown>>): Promise<void> {
  for await (const _ of await events) void _;
}

const importing =
  (name: string): Fault['call'] =>
  (client, { folder }) =>
    drain(client.datasets.import({ path: join(folder, name) }));

const FAULTS: readonly Fault[] = [
  {
    name: 'an unknown run',
    code: 'NOT_FOUND',
    status: 2,
    call: (client) => client.runs.resume({ runId: 'nowhere' }),
    words: () => ['resume', 'nowhere'],
  },
  {
    name: 'an unknown data set',
    code: 'NOT_FOUND',
    status: 2,
    call: (client) => client.datasets.rename({ id: 'nowhere', name: 'x' }),
    words: () => ['data', 'rename', 'nowhere', 'x'],
  },
  {
    name: 'an empty name',
    code: 'BAD_INPUT',
    status: 2,
    call: (client, { dataset }) => client.datasets.rename({ id: dataset, name: '' }),
    words: ({ dataset }) => ['data', 'rename', dataset, ''],
  },
  {
    name: 'a file that is not there',
    code: 'FILE_NOT_FOUND',
    status: 2,
    call: importing('missing.npz'),
    words: ({ folder }) => ['import', join(folder, 'missing.npz')],
  },
  {
    name: 'a file that is no archive',
    code: 'NOT_AN_ARCHIVE',
    status: 2,
    call: importing('text.npz'),
    words: ({ folder }) => ['import', join(folder, 'text.npz')],
  },
  {
    name: 'an archive that was cut off',
    code: 'ARCHIVE_TRUNCATED',
    status: 2,
    call: importing('cut.npz'),
    words: ({ folder }) => ['import', join(folder, 'cut.npz')],
  },
  {
    name: 'weights that are none',
    code: 'NOT_AN_ARCHIVE',
    status: 2,
    call: (client, { folder }) => client.runs.importRun({ path: join(folder, 'text.pt') }),
    words: ({ folder }) => ['import-run', join(folder, 'text.pt')],
  },
  {
    name: 'damaged vectors',
    code: 'STORE_DAMAGED',
    status: 1,
    call: (client, { run, damaged }) => drain(client.evaluation.evaluate({ runId: run, datasetId: damaged })),
    words: ({ run, damaged }) => ['evaluate', run, '--data', damaged],
  },
  {
    name: 'the checkpoint of another run',
    code: 'PARITY_FAILED',
    status: 1,
    call: (client, { foreign }) => client.runs.export({ runId: foreign, format: 'safetensors' }),
    words: ({ folder, foreign }) => [
      'export',
      foreign,
      '--format',
      'safetensors',
      '--out',
      join(folder, 'out.safetensors'),
    ],
  },
  {
    name: 'a finished run that should go on',
    code: 'CONFLICT',
    status: 2,
    call: (client, { run }) => client.runs.resume({ runId: run }),
    words: ({ run }) => ['resume', run],
  },
  {
    name: 'an unknown field of a recipe file',
    code: 'BAD_RECIPE',
    status: 2,
    call: async (client, { folder, run }) => {
      const { recipe: base } = (await client.runs.get({ runId: run })).run;
      await client.runs.readRecipeFile({ path: join(folder, 'recipe.json'), base });
    },
    words: ({ folder, dataset }) => ['train', '--data', dataset, '--recipe', join(folder, 'recipe.json')],
  },
  {
    name: 'a value that no recipe can have',
    code: 'BAD_RECIPE',
    status: 2,
    call: (client, { dataset }) => client.runs.start({ recipe: { dataset, epochs: -3 } }),
    words: ({ dataset }) => ['train', '--data', dataset, '--epochs', '-3'],
  },
  {
    name: 'sizes that no model can have',
    code: 'BAD_RECIPE',
    status: 2,
    call: (client, { dataset }) =>
      client.runs.start({ recipe: { dataset, modelType: 'transformer', sizes: { dModel: 16, heads: 3 } } }),
    words: ({ dataset }) => ['train', '--data', dataset, '--model-type', 'transformer', '--sizes', 'dModel=16,heads=3'],
  },
  {
    name: 'a sweep over values that are no recipe',
    code: 'BAD_INPUT',
    status: 2,
    call: (client, { dataset }) => {
      const axes = [{ kind: 'range' as const, path: 'lr', low: -1, high: 1e-3 }];
      const sweep = { axes, method: 'grid' as const };
      return client.plans.create({ name: 'Sweep', dataset, items: [{ key: 'sweep', kind: 'sweep', sweep }] });
    },
    words: ({ dataset }) => ['sweep', '--data', dataset, '--vary', 'lr=-1..1e-3', '--method', 'grid'],
  },
  {
    name: 'contexts that are not numbers',
    code: 'NOT_FINITE',
    status: 2,
    call: (client, { folder, run }) =>
      client.inference.predict({
        runId: run,
        source: { kind: 'file', path: join(folder, 'contexts.npy'), rows: null },
      }),
    words: ({ folder, run }) => [
      'predict',
      run,
      '--context',
      join(folder, 'contexts.npy'),
      '--out',
      join(folder, 'out.npy'),
    ],
  },
  {
    name: 'a data set that runs use',
    code: 'CONFLICT',
    status: 2,
    call: (client, { dataset }) => client.datasets.delete({ id: dataset }),
    words: ({ dataset }) => ['data', 'delete', dataset],
  },
  {
    name: 'a full disk',
    code: 'DISK_FULL',
    status: 1,
    call: (client, place) => {
      fullDisk(place);
      return importing('walks.npz')(client, place);
    },
    words: (place) => {
      fullDisk(place);
      return ['import', join(place.folder, 'walks.npz')];
    },
  },
];

function fullDisk({ folder }: Place): void {
  const error = Object.assign(new Error('full'), {
    code: 'ENOSPC',
    syscall: 'write',
    path: join(folder, 'vectors.bin'),
  });
  vi.spyOn(WorkerPool.prototype, 'lease').mockRejectedValueOnce(error);
}

let home: TestHome;
let place: Place;
const shown = new Map<string, ShownError>();

beforeAll(async () => {
  home = await testHome();
  place = await prepare(home);
  const [, connect] = TRANSPORTS[1];
  const nextvec = await home.open();
  const { client, close } = await connect(nextvec);
  for (const { name, call } of FAULTS) {
    const error: unknown = await call(client, place).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    shown.set(name, shownError(error));
  }
  await close();
  await nextvec.close();
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => home.dispose());

async function prepare({ path: folder, open }: TestHome): Promise<Place> {
  const nextvec = await open();
  const { client } = nextvec;
  const shape = { articles: 20, chunksPerArticle: 8, D: 8 };
  const dataset = await importChunks(client, join(folder, 'walks.npz'), shape);
  const damaged = await importChunks(client, join(folder, 'damaged.npz'), { ...shape, articles: 21 });
  const [run, foreign] = [await train(client, dataset), await train(client, dataset)];
  await nextvec.close();
  const stored = (...names: string[]): string => join(folder, 'home', ...names);
  const vectors = await readFile(stored('datasets', damaged, 'vectors.bin'));
  vectors[100] ^= 1;
  await writeFile(stored('datasets', damaged, 'vectors.bin'), vectors);
  await rm(stored('runs', foreign), { recursive: true });
  await cp(stored('runs', run), stored('runs', foreign), { recursive: true });
  const whole = await readFile(join(folder, 'walks.npz'));
  await writeFile(join(folder, 'cut.npz'), whole.subarray(0, whole.length / 2));
  for (const name of ['text.npz', 'text.pt']) await writeFile(join(folder, name), 'no archive');
  await writeFile(join(folder, 'recipe.json'), JSON.stringify({ epochs: 1, learning_rate: 1e-3 }));
  const contexts = { shape: [1, 5, 8], data: new Float32Array(40).fill(Number.NaN) };
  await writeFile(join(folder, 'contexts.npy'), encodeNpy(contexts));
  return { folder, dataset, damaged, run, foreign };
}

async function train(client: NextvecClient, dataset: string): Promise<string> {
  const recipe = {
    dataset,
    epochs: 1,
    batchSize: 16,
    engine: 'simd',
    threads: 1,
    sizes: { dModel: 8, hiddenDim: 16 },
  } as const;
  const { runId } = await client.runs.start({ recipe });
  await followTo(client, runId, 'finished');
  return runId;
}

const command = (words: readonly string[]) => runCommand([...words, '--home', join(home.path, 'home')]);

function sameError(error: ShownError, { stderr, stdout }: { readonly stderr: string; readonly stdout: string }): void {
  const { error: inJson } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { error: Partial<ShownError> };
  expect({ place: null, remedy: null, ...inJson }).toEqual(error);
  const where = error.place === null || error.message.includes(error.place) ? '' : `${error.place}: `;
  expect(stderr).toBe(`nextvec: ${where}${error.message}\n${error.remedy}\n`);
}

test.each(FAULTS)('$name', async ({ name, code, status, words }) => {
  const onStderr = await command(words(place));
  const inJson = await command([...words(place), '--json']);
  expect([onStderr.status, inJson.status]).toEqual([status, status]);
  expect(shown.get(name)!.code).toBe(code);
  sameError(shown.get(name)!, { stderr: onStderr.stderr, stdout: inJson.stdout });
});

test('a storage folder that another Nextvec has open', async () => {
  const owner = await home.open();
  const reader = await home.open({ access: 'reader' });
  const error = shownError(await reader.client.runs.resume({ runId: place.run }).catch((thrown: unknown) => thrown));
  const onStderr = await command(['resume', place.run]);
  const inJson = await command(['resume', place.run, '--json']);
  expect([error.code, onStderr.status, inJson.status]).toEqual(['LOCKED', 1, 1]);
  sameError(error, { stderr: onStderr.stderr, stdout: inJson.stdout });
  await reader.close();
  await owner.close();
});
