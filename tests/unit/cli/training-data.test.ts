/** The data of a recipe file: one file imported with several tasks is never confused, neither by `train` nor by the form. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { Task } from '#shared/domain/datasets/task.ts';
import { recipeFileText, type DataReference } from '#shared/domain/recipe/recipe-file.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { TaskOptions } from '../../../src/main/cli/flags/chunk-flags.ts';
import { createOutput } from '../../../src/main/cli/output.ts';
import { trainingData } from '../../../src/main/cli/flags/training-data.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

const USUAL: Task = { context: 5, history: null };
const WITH_HISTORY: Task = { context: 5, history: 4 };
const RECIPE = RecipeSchema.parse({ dataset: 'of another machine' });
const NO_TASK_FLAGS: TaskOptions = { contextLength: null, history: null };

let home: TestHome;
let client: NextvecClient;
let usual: Dataset;
let withHistory: Dataset;
let recipePath: string;

beforeAll(async () => {
  home = await testHome();
  ({ client } = await home.open());
  const path = join(home.path, 'docs.npz');
  const id = await importChunks(client, path, { articles: 4, chunksPerArticle: 10, D: 8 });
  for await (const event of await client.datasets.import({ path, history: 4 }))
    if (event.type === 'done') withHistory = event.dataset;
  usual = await client.datasets.get({ id });
  recipePath = join(home.path, 'recipe.json');
});
afterAll(() => home.dispose());

async function writeRecipe(change: Partial<DataReference>): Promise<void> {
  const { name, sourcePath, passport } = usual;
  const reference = { name, file: sourcePath, sha256: passport.sha256, task: USUAL, ...change };
  await writeFile(recipePath, recipeFileText(RECIPE, reference, null));
}

function dataOfTrain(options = NO_TASK_FLAGS): Promise<{ data: Dataset }> {
  const { signal } = new AbortController();
  return trainingData(client, { recipe: recipePath }, options, createOutput(true), signal);
}

function readIntoForm() {
  return client.runs.readRecipeFile({ path: recipePath, base: { ...RECIPE, dataset: 'of the form' } });
}

describe('a file imported with two tasks', () => {
  it.each([
    ['the usual one', USUAL, () => usual],
    ['that with history', WITH_HISTORY, () => withHistory],
  ])('is found with the task of the recipe: %s', async (_title, task, wanted) => {
    await writeRecipe({ task });
    expect((await dataOfTrain()).data.id).toBe(wanted().id);
    expect((await readIntoForm()).recipe.dataset).toBe(wanted().id);
  });

  it('is found with the task of the flags', async () => {
    await writeRecipe({ task: USUAL });
    expect((await dataOfTrain({ contextLength: null, history: 4 })).data.id).toBe(withHistory.id);
  });

  it('is refused where the recipe has no task', async () => {
    await writeRecipe({ task: null });
    await expect(dataOfTrain()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(withHistory.id),
      remedy: 'Name the one that is meant with --data.',
    });
    const { recipe, notes } = await readIntoForm();
    expect(recipe.dataset).toBe('of the form');
    expect(notes).toEqual(['The data set docs is imported more than once: choose one in the form.']);
  });

  it('is refused where neither has the task of the recipe', async () => {
    await writeRecipe({ file: usual.name, task: { context: 5, history: 9 } });
    await expect(dataOfTrain()).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'docs has windows of 5 chunks, the recipe is for 5 chunks with a history of 9.',
    });
    const { recipe, notes } = await readIntoForm();
    expect(recipe.dataset).toBe('of the form');
    expect(notes).toEqual(['The data set docs (history 9) is not imported here: choose one in the form.']);
  });
});

it('an exported recipe holds the task of its data', async () => {
  const { runId } = await client.runs.start({ recipe: { dataset: withHistory.id, epochs: 1, engine: 'simd' } });
  const { text } = await client.runs.export({ runId, format: 'recipe' });
  expect(JSON.parse(text!)).toMatchObject({ data: { sha256: usual.passport.sha256, task: WITH_HISTORY } });
  await client.runs.stop({ runId });
});
