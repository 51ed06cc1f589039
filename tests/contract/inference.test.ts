/** Predictions, imported runs and recipe files over every transport: typed arrays, errors with their place, files by purpose. */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ORPCError } from '@orpc/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FilePurpose } from '#shared/contract/app.ts';
import type { ErrorData } from '#shared/contract/errors.ts';
import type { ContextSource } from '#shared/contract/inference.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';
import { importChunks, testHome, type TestHome } from '../support/nextvec.ts';
import { TRANSPORTS, type Connection } from './transports.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const D = 24;
const PT = resolve('tests/fixtures/pt');
let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let runId: string;
const asked: FilePurpose[] = [];

beforeAll(async () => {
  home = await testHome();
  const chooseFile = async (purpose: FilePurpose) => (asked.push(purpose), `/chosen/${purpose}`);
  nextvec = await home.open({ roots: [home.path, PT], native: { chooseFile } });
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), { articles: 12, chunksPerArticle: 10, D });
  ({ runId } = await nextvec.client.runs.importRun({ path: join(PT, 'amn.pt'), dataset }));
});
afterAll(() => home.dispose());

async function refusal(work: Promise<unknown>): Promise<ErrorData & { message: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ORPCError);
  const { data, message } = error as ORPCError<string, ErrorData>;
  return { ...data, message };
}

describe.each(TRANSPORTS)('%s', (_, connect) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await connect(nextvec);
  });
  afterAll(() => connection.close());

  test('predict returns parity, typed arrays, baselines, neighbours, attention', async () => {
    const { predict } = connection.client.inference;
    const source: ContextSource = { kind: 'dataset', datasetId: dataset, windows: [0, 9] };
    const answer = await predict({ runId, source, neighbours: 3 });
    expect(answer).toMatchObject({ modelType: 'amn', T: 5, D, neighboursIn: dataset });
    expect(answer.parity.goldenMaxRelative).toBeLessThan(1e-5);
    expect(answer.raw).toBeInstanceOf(Float32Array);
    expect([answer.raw.length, answer.pred.length]).toEqual([2 * D, 2 * D]);
    const [row] = answer.rows;
    expect(row.norm).toBeCloseTo(Math.hypot(...answer.raw.subarray(0, D)), 4);
    expect(row.neighbours).toHaveLength(3);
    expect(row.attention!.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    expect(Object.values(row.baselines).every((cosine) => typeof cosine === 'number')).toBe(true);
    // The same window by its place in its article.
    const { article, index } = row.place!;
    const byPlace = await predict({
      runId,
      source: { kind: 'article', datasetId: dataset, article, index },
      neighbours: 3,
    });
    expect(byPlace.rows[0]).toEqual(row);
  });

  test('an aborted prediction ends and the next one is answered', async () => {
    const { predict } = connection.client.inference;
    const source: ContextSource = { kind: 'dataset', datasetId: dataset, windows: [0] };
    const controller = new AbortController();
    const work = predict({ runId, source }, { signal: controller.signal });
    // A round trip later, the call has reached the services.
    await connection.client.app.info();
    controller.abort();
    await expect(work).rejects.toThrow(/abort|called off/i);
    expect((await predict({ runId, source })).rows).toHaveLength(1);
  });

  test('refuses contexts that cannot be predicted, with their place', async () => {
    const { predict } = connection.client.inference;
    const beyond = predict({ runId, source: { kind: 'dataset', datasetId: dataset, windows: [99_999] } });
    expect(await refusal(beyond)).toMatchObject({ code: 'OUT_OF_RANGE', place: 'walks' });
    const path = join(home.path, 'nothing.npy');
    const missing = predict({ runId, source: { kind: 'file', path, rows: null } });
    expect(await refusal(missing)).toMatchObject({ code: 'FILE_NOT_FOUND' });
    const nobody = predict({ runId: 'nobody', source: { kind: 'dataset', datasetId: dataset, windows: [0] } });
    expect(await refusal(nobody)).toMatchObject({ code: 'NOT_FOUND', place: 'nobody' });
  });

  test('refuses a checkpoint with executable pickle code, with its place, and stores nothing', async () => {
    const { client } = connection;
    const before = await readdir(join(nextvec.home, 'runs'));
    const evil = await refusal(client.runs.importRun({ path: join(PT, 'evil.pt') }));
    expect(evil).toMatchObject({ code: 'PICKLE_REFUSED' });
    expect(evil.place).toContain('evil.pt');
    expect(evil.remedy).toContain('Nothing was executed');
    expect(await readdir(join(nextvec.home, 'runs'))).toEqual(before);
    const alone = client.runs.importRun({ path: join(PT, 'amn.pt'), ood: dataset });
    expect(await refusal(alone)).toMatchObject({ code: 'BAD_INPUT', place: 'ood' });
  });

  test('a recipe file is matched to stored data sets; missing ones are named', async () => {
    const { client } = connection;
    const base = RecipeSchema.parse({ dataset: 'chosen', epochs: 9 });
    const { text } = await client.runs.export({ runId, format: 'recipe' });
    const path = join(home.path, 'one.recipe.json');
    await writeFile(path, text!);
    const read = await client.runs.readRecipeFile({ path, base });
    expect(read).toMatchObject({ fileName: 'one.recipe.json', notes: [], recipe: { dataset, lr: 2.5e-4, epochs: 3 } });
    await writeFile(path, text!.replaceAll(/"sha256": "\w+"/g, '"sha256": null').replaceAll('walks', 'elsewhere'));
    const lost = await client.runs.readRecipeFile({ path, base });
    expect(lost.recipe).toMatchObject({ dataset: 'chosen', lr: 2.5e-4 });
    expect(lost.notes).toEqual(['The data set elsewhere is not imported here: choose one in the form.']);
    await writeFile(path, '{"epochs": 4}');
    const bare = await client.runs.readRecipeFile({ path, base });
    expect(bare).toMatchObject({ notes: [], recipe: { dataset: 'chosen', epochs: 4 } });
  });

  test('refuses a file that is not a recipe, by field', async () => {
    const { readRecipeFile } = connection.client.runs;
    const base = RecipeSchema.parse({ dataset });
    const path = join(home.path, 'bad.json');
    await writeFile(path, '{"epochs": -4}');
    const bad = await refusal(readRecipeFile({ path, base }));
    expect(bad).toMatchObject({ code: 'BAD_RECIPE', place: join(home.path, 'bad.json') });
    expect(bad.message).toContain('recipe.epochs');
    await writeFile(path, 'epochs = 4');
    expect((await refusal(readRecipeFile({ path, base }))).message).toContain('is not JSON');
    await writeFile(path, Buffer.alloc((1 << 20) + 1, 32));
    expect(await refusal(readRecipeFile({ path, base }))).toMatchObject({ code: 'OUT_OF_RANGE' });
    expect(await refusal(readRecipeFile({ path: `${path}.not`, base }))).toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('lists and chooses files by purpose', async () => {
    const { files } = connection.client.app;
    const folder = join(home.path, 'mixed');
    await mkdir(folder, { recursive: true });
    for (const name of [
      'a.pt',
      'b.json',
      'c.npy',
      'd.safetensors',
      'e.txt',
      'events.out.tfevents.1.host',
      'run-1.wandb',
    ])
      await copyFile(join(PT, 'evil.pt'), join(folder, name));
    const names = async (purpose?: FilePurpose) =>
      (await files.list({ path: folder, purpose })).entries.map(({ name }) => name);
    expect(await names()).toEqual(['c.npy', 'd.safetensors']);
    expect(await names('context')).toEqual(['c.npy', 'd.safetensors']);
    const histories = ['b.json', 'events.out.tfevents.1.host', 'run-1.wandb'];
    expect((await names('run')).toSorted()).toEqual(['a.pt', 'd.safetensors', ...histories].toSorted());
    expect(await names('recipe')).toEqual(['b.json']);
    const outside = files.list({ path: dirname(PT), purpose: 'run' });
    expect(await refusal(outside)).toMatchObject({ code: 'NO_PERMISSION', place: dirname(PT) });
    expect(await files.choose({ purpose: 'recipe' })).toEqual({ path: '/chosen/recipe' });
    expect(asked.at(-1)).toBe('recipe');
  });
});
