/** Which data set a word on the command line means, and `data list|rename|delete`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Command } from 'commander';
import { createContext } from '../../../src/main/cli/context.ts';
import { addDatasetsCommand } from '../../../src/main/cli/datasets.ts';
import { findDataset, findRun, importFile, never } from '../../../src/main/cli/handles.ts';
import type { Output } from '../../../src/main/cli/output.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

const CHUNKS = { articles: 4, chunksPerArticle: 8, D: 8 };
let home: TestHome;
let nextvec: Nextvec;
let first: string;
let second: string;
const said: string[] = [];
const out = { progress: (text: string) => said.push(text) } as unknown as Output;

const find = (word: string) => findDataset(nextvec.client, word, 'train', out, never);

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  for (const folder of ['A', 'B', 'docs']) mkdirSync(join(home.path, folder));
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

test('runs of one name are refused with their numbers', async () => {
  const run = (number: number) => ({ id: `run${number}abc`, number, name: 'baseline' });
  const client = { runs: { list: () => Promise.resolve([run(1), run(2)]) } } as unknown as Nextvec['client'];
  await expect(findRun(client, 'baseline')).rejects.toThrow('2 runs are named "baseline": #1 (run1abc), #2 (run2abc).');
  expect(await findRun(client, '#2')).toMatchObject({ number: 2 });
  expect(await findRun(client, 'run1')).toMatchObject({ number: 1 });
});

test('`data` lists, renames and deletes', async () => {
  await nextvec.close();
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const data = async (...words: string[]): Promise<{ status: unknown; result: Record<string, unknown> }> => {
    const program = new Command().option('--home <DIR>').option('--json');
    addDatasetsCommand(program, createContext(program));
    await program.parseAsync(['--json', '--home', join(home.path, 'home'), 'data', ...words], { from: 'user' });
    const status = process.exitCode;
    process.exitCode = 0;
    return { status, result: JSON.parse(written.at(-1) ?? '') as Record<string, unknown> };
  };
  const names = ({ datasets }: Record<string, unknown>) => (datasets as { name: string }[]).map(({ name }) => name);
  try {
    expect(names((await data('list')).result)).toContain('manual');
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
  } finally {
    spy.mockRestore();
  }
}, 60_000);
