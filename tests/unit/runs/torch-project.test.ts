/** Export of a run as a PyTorch project. That the program trains the same run: tests/numerics/torch-project.test.ts. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { parseRecipeFile } from '#shared/domain/recipe/recipe-file.ts';
import { modelSpec, RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { initialParameters } from '../../../src/engine/init.ts';
import { decodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { torchProblem } from '../../../src/main/runs/exports/torch-recipe.ts';
import { followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';

let home: TestHome;
beforeAll(async () => {
  home = await testHome({ spawnTrainer: trainerHere });
});
afterAll(() => home.dispose());

it('writes program, recipe, initial weights and split of a run', async () => {
  const { client } = await home.open();
  const dataset = await importChunks(client, join(home.path, 'walks.npz'), {
    articles: 12,
    chunksPerArticle: 9,
    D: 16,
  });
  const ood = await importChunks(client, join(home.path, 'ood.npz'), {
    articles: 4,
    chunksPerArticle: 9,
    D: 16,
    seed: 5,
  });
  const { runId } = await client.runs.start({
    recipe: {
      dataset,
      ood,
      epochs: 1,
      lambda: { mse: 0.5, info_nce: 0.25 },
      sizes: { dModel: 8, hiddenDim: 16 },
      engine: 'simd',
    },
  });
  await followTo(client, runId, 'finished');
  const folder = (await client.runs.export({ runId, format: 'torch-project' })).path!;
  expect((await readdir(folder)).toSorted()).toEqual([
    'README.md',
    'data.py',
    'initial.safetensors',
    'losses.py',
    'models.py',
    'project.json',
    'recipe.json',
    'train.bin',
    'train.py',
    'train_ray.py',
    'validation.bin',
  ]);
  const readJson = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'));
  const { run } = await client.runs.get({ runId });
  expect(parseRecipeFile(await readJson('recipe.json'), 'recipe.json').recipe).toEqual(run.recipe);
  const spec = modelSpec(run.recipe, 5, 16);
  expect(await readJson('project.json')).toMatchObject({
    model: spec,
    data: { dtype: 'float32', vectors: 108 },
    ood: { dtype: 'float32', vectors: 36, windows: 16 },
    args: { lambda_mse: 'lambda.mse', batch_size: 'batchSize' },
  });
  const weights = join(folder, 'initial.safetensors');
  const { tensors } = decodeSafetensors(await readFile(weights), weights);
  expect([...tensors.keys()]).toEqual(parameterShapes(spec).map(({ name }) => name));
  if (spec.type !== 'amn') throw new Error(spec.type);
  for (const [name, values] of initialParameters(spec, run.recipe.seed))
    expect(tensors.get(name)?.data).toEqual(values);
  const split = await client.datasets.proveSplit({
    id: dataset,
    ood: null,
    split: run.recipe.split,
    seed: run.recipe.seed,
  });
  expect((await stat(join(folder, 'train.bin'))).size).toBe(4 * split.trainWindows);
  expect((await stat(join(folder, 'validation.bin'))).size).toBe(4 * split.valWindows);
});

it.each([
  ['a Gram mixture', { modelType: 'gram' as const }, 'docs/gram_loader.py'],
  ['turned windows', { augment: { isometry: 0.5 } }, '--augment 0'],
  ['a term of a newer version', { lambda: { mse: 1, later: 1 } }, 'version of Nextvec'],
])('refuses %s', (_name, recipe, remedy) => {
  expect(torchProblem(RecipeSchema.parse({ dataset: 'd', ...recipe }))?.remedy).toContain(remedy);
});
