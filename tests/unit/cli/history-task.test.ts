/**
 * Data with history from import to evaluation, through the command line; other tasks are refused or marked. Each kind of
 * command runs once as a process, the others in this one.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeChunks } from '../../support/chunks.ts';
import { CommandsOn } from '../../support/command.ts';
import { openNextvec } from '../../support/open.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-history-'));
const train = join(folder, 'docs.npz');
const ood = join(folder, 'other.npz');
const TASK = { context: 5, history: 8 };

beforeAll(async () => {
  await writeChunks(train, { articles: 30, chunksPerArticle: 14, D: 24 });
  const textOf = (article: number, chunk: number): string => `chunk ${chunk} of article ${article}`;
  await writeChunks(ood, { articles: 10, chunksPerArticle: 14, D: 24, seed: 5, textOf });
});

const commands = new CommandsOn(join(folder, 'home'));
afterAll(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A small model of one thread. */
const SMALL = ['--epochs', '1', '--batch-size', '32', '--engine', 'simd', '--threads', '1'];
const SIZES = ['--sizes', 'dModel=8,hiddenDim=16'];

type Command = (...words: string[]) => Promise<Record<string, unknown>>;

/** The last JSON line of a process; of a failure, that of the error. */
const started: Command = async (...words) => {
  await commands.close();
  const args = ['out/main/cli.js', ...words, '--json', '--home', join(folder, 'home')];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: { stdout: string }) => error);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
};

/** The same of a command in this process. */
const nextvec: Command = (...words) => commands.json(...words);

it('trains AMN and a Gram mixture on windows with history and evaluates them on a set with the same', async () => {
  const imported = await started('import', train, ood, '--history', '8');
  const sets = ['docs (history 8)', 'other (history 8)'];
  const passport = expect.objectContaining({ T: 7, history: 8 });
  expect(imported).toMatchObject({ datasets: sets.map((name) => ({ name, T: 7, passport })) });
  // The same file with other options is another data set; with the same it is there already.
  await nextvec('import', train);
  await nextvec('import', train, ood, '--history', '8');
  const { datasets } = (await nextvec('data')) as { datasets: unknown[] };
  expect(datasets).toHaveLength(3);

  const data = ['--data', sets[0], '--ood', sets[1]];
  await started('train', ...data, ...SMALL, ...SIZES);
  await nextvec('train', ...data, '--preset', 'robust', '--epochs', '2', '--threads', '1');
  await nextvec('train', '--data', 'docs', ...SMALL, ...SIZES);
  // A file is imported with the task asked for; a stored set of another is refused.
  await nextvec('train', '--data', train, '--ood', ood, ...SMALL, ...SIZES, '--history', '3', '--context-length', '4');
  expect(await nextvec('train', '--data', 'docs', '--history', '3')).toMatchObject({
    error: { code: 'BAD_INPUT', message: expect.stringContaining('with windows of 5 chunks') },
  });
  const { runs } = (await nextvec('runs')) as { runs: { number: number; status: string; task: unknown }[] };
  expect(runs.map(({ number, status, task }) => [number, status, task])).toEqual([
    [4, 'finished', { context: 4, history: 3 }],
    [3, 'finished', { context: 5, history: null }],
    [2, 'finished', TASK],
    [1, 'finished', TASK],
  ]);
  for (const [run, command] of [
    ['1', started],
    ['2', nextvec],
  ] as const) {
    const evaluation = await command('evaluate', run, '--data', sets[1], '--ceiling', '--texts');
    expect(evaluation).toMatchObject({ task: TASK, parity: { ok: true }, ceiling: { windows: 90 } });
    expect(Object.keys(evaluation['offsets'] as object)).toHaveLength(8);
    // The two vectors of the history have no text of their own.
    const { texts } = (evaluation['samples'] as { texts: { context: unknown[]; target: string } }[])[0];
    const [, last, article] = /^chunk (\d+) of article (\d+)$/.exec(texts.target)!;
    const before = [5, 4, 3, 2, 1].map((distance) => `chunk ${Number(last) - distance} of article ${article}`);
    expect(texts.context).toEqual([null, null, ...before]);
    const out = join(folder, 'prediction.npy');
    const predicted = await command('predict', run, '--data', sets[1], '--rows', '0,3', '--out', out);
    expect(predicted).toMatchObject({ T: 7, task: TASK });
  }

  const comparison = await nextvec('compare', '3', '1');
  expect(comparison['verdicts']).toMatchObject([{ code: 'DIFFERENT_TASK' }]);
  const other = { error: { code: 'BAD_INPUT', remedy: 'Import the chunks of docs with --history 8.' } };
  expect(await nextvec('evaluate', '1', '--data', 'docs')).toMatchObject(other);
  expect(await nextvec('predict', '1', '--data', 'docs', '--rows', '0')).toMatchObject({ error: {} });
  const mixed = await nextvec('train', '--data', sets[0], '--ood', train, '--epochs', '1');
  expect(mixed).toMatchObject({ error: { code: 'BAD_RECIPE' } });
}, 180_000);

it('refuses another history of the same shape', async () => {
  await commands.close();
  const { client, close } = await openNextvec(join(folder, 'home'));
  const dataset = (await client.datasets.list()).find(({ name }) => name === 'docs (history 8)')!.id;
  const run = (await client.runs.list()).find(({ number }) => number === 1)!;
  let short = '';
  for await (const event of await client.datasets.import({ path: ood, history: 2, name: 'short' }))
    if (event.type === 'done') short = event.dataset.id;
  const refused = { message: expect.stringContaining('solves another task'), data: { code: 'BAD_INPUT' } };
  const evaluate = async (): Promise<void> => {
    for await (const _ of await client.evaluation.evaluate({ runId: run.id, datasetId: short })) void _;
  };
  await expect(evaluate()).rejects.toMatchObject(refused);
  const source = { kind: 'dataset' as const, datasetId: short, windows: [0] };
  await expect(client.inference.predict({ runId: run.id, source })).rejects.toMatchObject(refused);
  await expect(client.runs.start({ recipe: { dataset, ood: short, epochs: 1 } })).rejects.toMatchObject({
    message: expect.stringContaining('history of 2'),
    data: { code: 'BAD_RECIPE' },
  });
  await close();
}, 60_000);
