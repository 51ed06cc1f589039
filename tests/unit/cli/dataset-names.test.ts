/** Which data set a word on the command line means, importing one again, and `data`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  findDataset,
  findRun,
  importAgain,
  importFile,
  readableDataset,
  storedDataset,
} from '../../../src/main/cli/handles.ts';
import type { Output } from '../../../src/main/cli/output.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { writeChunks } from '../../support/chunks.ts';
import { CommandsOn, lastLine } from '../../support/command.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

const never = new AbortController().signal;
const CHUNKS = { articles: 4, chunksPerArticle: 8, D: 8 };
let home: TestHome;
let nextvec: Nextvec;
let first: string;
let second: string;
const said: string[] = [];
const out = { progress: (text: string) => said.push(text) } as unknown as Output;

const find = (word: string) => findDataset(nextvec.client, word, out, never, { role: 'train' });

beforeAll(async () => {
  home = await testHome();
  for (const folder of ['A', 'B', 'docs', 'resources/sample']) mkdirSync(join(home.path, folder), { recursive: true });
  const resourcesDir = join(home.path, 'resources');
  // A small sample: here it has a name, and nothing else matters.
  for (const [seed, name] of [
    [11, 'sample-train.npz'],
    [12, 'sample-ood.npz'],
  ] as const)
    await writeChunks(join(resourcesDir, 'sample', name), { ...CHUNKS, seed });
  nextvec = await home.open({ resourcesDir });
  first = await importChunks(nextvec.client, join(home.path, 'A/data.npz'), CHUNKS);
  second = await importChunks(nextvec.client, join(home.path, 'B/data.npz'), { ...CHUNKS, seed: 2 });
}, 60_000);
afterAll(() => home.dispose());

test('two sets of one name are refused with their ids', async () => {
  const refused = { code: 'CONFLICT', message: expect.stringMatching(`${first}|${second}`) as string };
  await expect(find('data')).rejects.toMatchObject(refused);
  expect((await find(second)).id).toBe(second);
});

test('a stored set wins over a folder of its name; "sample" is the bundled one', async () => {
  const folder = join(home.path, 'docs');
  await nextvec.client.datasets.rename({ id: first, name: ` ${folder} ` });
  expect(await find(folder)).toMatchObject({ id: first, name: folder });
  expect(await find('sample')).toMatchObject({ isSample: true });
}, 60_000);

test('a data set is found by its name in any case, and by the first four characters of its id', async () => {
  const { id } = await find('sample');
  for (const word of ['sAMPLE', id.slice(0, 4), 'sample']) {
    expect((await find(word)).id).toBe(id);
    expect((await readableDataset(nextvec.client, word)).id).toBe(id);
  }
  expect((await storedDataset(nextvec.client, 'sample')).id).toBe(id);
  await expect(storedDataset(nextvec.client, id.slice(0, 3))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('--name renames a set whose content is known', async () => {
  const path = join(home.path, 'B/data.npz');
  const set = await importFile(nextvec.client, path, out, never, { name: 'manual' });
  expect(set).toMatchObject({ id: second, name: 'manual' });
  expect(said.at(-1)).toContain('manual: already imported, now under this name');
});

test.each(['', ' ', 'sample', 'two\nlines', 'x'.repeat(201)])('%j is refused as the name of a set', async (name) => {
  const refused = { data: { code: 'BAD_INPUT', place: 'name' } };
  await expect(nextvec.client.datasets.rename({ id: first, name })).rejects.toMatchObject(refused);
  const path = join(home.path, 'B/data.npz');
  await expect(importFile(nextvec.client, path, out, never, { name })).rejects.toMatchObject(refused);
});

test('a file named "sample" gets a name of its own', async () => {
  const id = await importChunks(nextvec.client, join(home.path, 'sample.npz'), { ...CHUNKS, seed: 3 });
  expect(await nextvec.client.datasets.get({ id })).toMatchObject({ name: 'sample (sample.npz)', isSample: false });
});

test('a set is imported again with its columns; a changed file gives a new set, a lost column or file an error', async () => {
  const { client } = nextvec;
  const path = join(home.path, 'odd.jsonl');
  const write = (seed: number, vector = 'zahlen'): void => {
    const rows = Array.from({ length: 24 }, (_, i) => ({
      [vector]: [Math.sin(seed + i), Math.cos(seed + i), Math.sin(2 * i), 0.1],
      thema: i >> 3,
      wort: `Satz ${i}`,
    }));
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  };
  write(1);
  const mapping = { vector: 'zahlen', article: 'thema', order: null, articles: null };
  const set = await importFile(client, path, out, never, { name: 'Sätze', mapping, textColumn: 'wort', stride: 2 });
  expect(set.passport.columns).toEqual({ ...mapping, text: 'wort' });

  expect(await importAgain(client, set, out, never)).toMatchObject({ alreadyThere: true, dataset: { id: set.id } });
  expect(said.join('\n')).toContain('Sätze: the file is as it was, nothing new');

  write(2);
  const { dataset, alreadyThere } = await importAgain(client, set, out, never);
  expect(alreadyThere).toBe(false);
  expect(dataset).toMatchObject({
    name: 'Sätze (2)',
    windows: set.windows,
    passport: { columns: set.passport.columns },
  });
  expect(dataset.passport.texts?.from).toEqual(['wort']);
  expect(await importAgain(client, dataset, out, never)).toMatchObject({ dataset: { id: dataset.id } });

  write(3, 'vec');
  await expect(importAgain(client, set, out, never)).rejects.toThrow('odd.jsonl has no column "zahlen"');
  rmSync(path);
  await expect(importAgain(client, set, out, never)).rejects.toThrow('The source of "Sätze" is gone');
  expect(await client.datasets.get({ id: set.id })).toMatchObject({ name: 'Sätze' });
});

test('runs of one name are refused with their numbers', async () => {
  const run = (number: number) => ({ id: `run${number}abc`, number, name: 'baseline' });
  const client = { runs: { list: () => Promise.resolve([run(1), run(2)]) } } as unknown as Nextvec['client'];
  await expect(findRun(client, 'baseline')).rejects.toThrow('2 runs are named "baseline": #1 (run1abc), #2 (run2abc).');
  expect(await findRun(client, '#2')).toMatchObject({ number: 2 });
  expect(await findRun(client, 'run1')).toMatchObject({ number: 1 });
});

test('`data` lists, compares, renames and deletes, and shows articles and the folder', async () => {
  await nextvec.close();
  const commands = new CommandsOn(join(home.path, 'home'));
  onTestFinished(() => commands.close());
  const data = async (...words: string[]): Promise<{ status: unknown; result: Record<string, unknown> }> => {
    const ended = await commands.run('data', ...words, '--json');
    return { status: ended.status, result: lastLine(ended) };
  };
  const names = ({ datasets }: Record<string, unknown>) => (datasets as { name: string }[]).map(({ name }) => name);
  expect(names((await data('list')).result)).toContain('manual');
  const { articles } = (await data('articles', first)).result as { articles: Record<string, unknown>[] };
  expect(articles).toHaveLength(CHUNKS.articles);
  expect(articles[0]).toMatchObject({ length: CHUNKS.chunksPerArticle, duplicates: 0, isExcluded: false });
  const folder = join(home.path, 'home', 'datasets', first);
  expect((await data('reveal', first)).result).toMatchObject({ folder, sourcePath: join(home.path, 'A/data.npz') });
  expect((await data('compare', first, second)).result).toMatchObject({ sharedVectors: 0 });
  expect(names((await data('rename', second, 'guide')).result)).toContain('guide');
  const deleted = await data('delete', 'guide');
  expect(deleted).toMatchObject({ status: 0, result: { freedBytes: expect.any(Number) as number } });
  expect(names(deleted.result)).not.toContain('guide');
  for (const words of [
    ['delete', 'guide'],
    ['delete'],
    ['rename', first],
    ['rename', first, ''],
    ['list', first],
    ['drop'],
  ])
    expect(await data(...words)).toMatchObject({
      status: 2,
      result: { error: { message: expect.any(String) as string } },
    });
}, 60_000);

test('where roots are given, a source outside them is not read again', async () => {
  const reopened = await home.open({ roots: [join(home.path, 'docs')] });
  const set = await reopened.client.datasets.get({ id: first });
  await expect(importAgain(reopened.client, set, out, never)).rejects.toThrow(
    'is not in a folder that this Nextvec may',
  );
}, 60_000);
