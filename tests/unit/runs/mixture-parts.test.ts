/** A Gram mixture with the model of an earlier run among its parts: refused, trained, read again after that run is gone. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';
import { largestOnnxError } from '../../support/onnx.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let part: string;

const recipe = (more: Partial<RecipeInput> = {}): RecipeInput => ({
  dataset,
  modelType: 'amn',
  epochs: 2,
  batchSize: 32,
  engine: 'simd',
  threads: 1,
  sizes: { dModel: 8, hiddenDim: 16 },
  split: { validationShare: 0.2 },
  ...more,
});
const mixture = (more: Partial<RecipeInput> = {}): RecipeInput =>
  recipe({ modelType: 'gram', sizes: null, parts: [part], ...more });

const start = async (of: RecipeInput): Promise<string> => (await nextvec.client.runs.start({ recipe: of })).runId;

async function finish(of: RecipeInput): Promise<string> {
  const runId = await start(of);
  await followTo(nextvec.client, runId, 'finished');
  return runId;
}

beforeAll(async () => {
  home = await testHome({ spawnTrainer: trainerHere });
  nextvec = await home.open();
  const chunks = { articles: 40, chunksPerArticle: 12, D: 16 };
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), chunks);
  part = await finish(recipe());
});
afterAll(() => home.dispose());

test('refuses as a part a run of another split or from given weights, an unknown run, one named twice, and parts of another model', async () => {
  const { number } = (await nextvec.client.runs.get({ runId: part })).run;
  const refused = async (of: RecipeInput): Promise<string> =>
    nextvec.client.runs.start({ recipe: of }).then(
      () => 'started',
      (error: Error) => error.message,
    );
  expect(await refused(mixture({ seed: 8 }))).toMatch(/its split is another/);
  expect(await refused(mixture({ split: { validationShare: 0.3 } }))).toMatch(/its split is another/);
  const without = { validationShare: 0.2, excludedArticles: '3' };
  expect(await refused(mixture({ split: without }))).toMatch(/its split is another/);
  expect(await refused(mixture({ parts: ['#99'] }))).toMatch(/no run "#99"/);
  expect(await refused(mixture({ parts: [part, `#${number}`] }))).toBe(
    `Run #${number} is named twice among the parts.`,
  );
  expect(await refused(recipe({ parts: [part] }))).toMatch(/AMN has no parts/);
  const started = await finish(recipe({ initFrom: String(number) }));
  expect(await refused(mixture({ parts: [started] }))).toMatch(/started from given weights/);
});

test('the mixture holds the model: it is named, exported and imported, also when its run is deleted', async () => {
  const { client } = nextvec;
  const { number } = (await client.runs.get({ runId: part })).run;
  const preflight = await client.runs.preflight({ recipe: mixture({ parts: [`#${number}`] }) });
  const runId = await start(mixture({ parts: [`#${number}`] }));
  await expect(client.runs.delete({ runId: part })).rejects.toThrow(/a part of run/);
  await followTo(client, runId, 'finished');
  const { run, commandLine } = await client.runs.get({ runId });
  expect(run.recipe.parts).toEqual([part]);
  expect(run.parameters).toBe(preflight.parameters);
  expect(commandLine).toContain(`--part ${part}`);
  const card = await client.evaluation.modelCard({ runId, format: 'md' });
  expect(JSON.stringify(card)).toContain(`AMN of run #${number}`);

  await client.runs.delete({ runId: part });
  await expect(start(mixture())).rejects.toMatchObject({
    message: `There is no run "${part}" to be a part of this mixture.`,
    data: { remedy: expect.stringContaining('a deleted one must be trained again') },
  });
  const source = { kind: 'dataset' as const, datasetId: dataset, windows: [0] };
  const partsOf = async (of: string) =>
    (await client.inference.predict({ runId: of, source })).rows[0].parts?.map(({ name }) => name);
  expect((await partsOf(runId))?.at(-1)).toBe('AMN');
  const onnx = await client.runs.export({ runId, format: 'onnx' });
  const golden = await client.runs.export({ runId, format: 'golden' });
  expect(await largestOnnxError(await readFile(onnx.path!), await readFile(golden.path!))).toBeLessThan(1e-5);
  const { path } = await client.runs.export({ runId, format: 'safetensors' });
  const imported = await client.runs.importRun({ path: path!, dataset });
  expect((await partsOf(imported.runId))?.at(-1)).toBe('AMN');
});
