/** What is taken for a history, and what is refused. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importHistory } from '../../../../src/main/runs/histories/import-history.ts';
import { historySource } from '../../../../src/main/runs/histories/source.ts';

const FIXTURES = 'tests/fixtures/histories';
const LOG = `${FIXTURES}/torch/events.out.tfevents.1700000000.host`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextvec-histories-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function run(path: string, more: { modelType?: 'lstm'; contextLength?: number } = {}) {
  const source = await historySource(path);
  if (source === null) throw new Error(`${path} is no history`);
  const none = { modelType: null, contextLength: null, heads: null, dataset: null, ood: null };
  return importHistory({ ...none, ...more, path, runId: 'x', runFolder: folder, resourcesDir: '' }, source);
}

describe('the format of a history is found from its content', () => {
  test.each(['tests/fixtures/pt/amn.pt', 'tests/fixtures/golden/amn.npz', 'tests/fixtures/tables/chunks.safetensors'])(
    '%s is not a history',
    async (path) => {
      expect(await historySource(path)).toBeNull();
    },
  );

  test.each([
    [LOG, 'tensorboard', 1],
    [`${FIXTURES}/keras`, 'tensorboard', 2],
    [`${FIXTURES}/run-night.wandb`, 'wandb', 1],
  ])('%s is of %s', async (path, format, files) => {
    const source = await historySource(path);
    expect([source?.format, source?.paths.length]).toEqual([format, files]);
  });

  test('a training_history.json is found in a folder, symbolic links are not followed', async () => {
    const path = await write('run/training_history.json', { train_loss: [1] });
    await write('outside/history.json', { train_loss: [1] });
    await symlink(join(folder, 'outside'), join(folder, 'run/link'));
    expect(await historySource(join(folder, 'run'))).toEqual({ format: 'json', paths: [path] });
  });
});

test('a history that names no model is listed as AMN, with a note', async () => {
  const path = await write('plain.json', { train_loss: [1, 2] });
  expect((await run(path, { modelType: 'lstm' })).recipe).toMatchObject({ modelType: 'lstm', epochs: 2 });
  expect((await run(path)).notes).toEqual(['It names no model: it is listed as AMN. Another can be named at import.']);
});

describe('a history is refused', () => {
  test.each([
    ['without curves', { seed: 3 }, 'NO_KNOWN_ARRAYS', 'holds no curve that has a place here.'],
    ['with other curves alone', { accuracy: [1, 2] }, 'NO_KNOWN_ARRAYS', 'they have no place here: accuracy.'],
    ['that is not JSON', 'train_loss: [1', 'BAD_INPUT', 'is not JSON'],
  ])('%s', async (_what, content, code, message) => {
    const refused = run(await write('other.json', content));
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  test('as a log that was cut off before its first curve, with the byte', async () => {
    const path = join(folder, 'events.out.tfevents.1.cut');
    await writeFile(path, (await readFile(LOG)).subarray(0, 60));
    await expect(run(path)).rejects.toMatchObject({
      code: 'NO_KNOWN_ARRAYS',
      message: expect.stringMatching(/has a place here\. .* ends within the record at byte \d+/) as string,
    });
  });

  test('with data to measure it on, since it has no weights', async () => {
    await expect(run(LOG, { contextLength: 5 })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'events.out.tfevents.1700000000.host holds curves and no weights: nothing can be measured.',
    });
  });

  test('as a folder of several runs, or of none', async () => {
    await write('wandb/run-a.wandb', '');
    await write('wandb/run-b.wandb', '');
    await write('empty/notes.txt', '');
    for (let i = 0; i < 12; i++) await write(`many/run-${i}.wandb`, '');
    const of = (name: string) => historySource(join(folder, name));
    await expect(of('wandb')).rejects.toThrow('holds 2 runs: run-a.wandb, run-b.wandb.');
    await expect(of('many')).rejects.toThrow(/holds 12 runs: .* and 2 more\./);
    await expect(of('empty')).rejects.toThrow('holds no event file, .wandb file or training_history.json.');
  });
});
