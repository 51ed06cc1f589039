/**
 * The PyTorch project of resources/torch-project trains what the trainer trains, where NEXTVEC_TEST_PYTHON names a Python
 * with torch, numpy and safetensors.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startParameters } from '#engine/start.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { Trainer } from '#engine/trainer/index.ts';
import { byTerm } from '#shared/domain/models/terms.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import {
  lossConfig,
  modelSpec,
  optimizerConfig,
  RecipeSchema,
  type Recipe,
  type RecipeInput,
} from '#shared/domain/recipe/recipe.ts';
import { openDataset } from '../../src/main/datasets/dataset.ts';
import { splitDataset } from '../../src/main/datasets/split/split.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';
import { exportTorchProject } from '../../src/main/runs/exports/torch-project.ts';
import { importChunks, testHome, type TestHome } from '../support/nextvec.ts';
import { simdHost } from '../support/simd-host.ts';
import { Recorder } from '../support/training.ts';

const python = process.env.NEXTVEC_TEST_PYTHON;
const D = 24;
const STEPS = 50;

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;

beforeAll(async () => {
  if (!python) return;
  home = await testHome();
  nextvec = await home.open();
  const chunks = { articles: 60, chunksPerArticle: 22, D };
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), chunks);
});
afterAll(() => home?.dispose());

const datasetFolder = (): string => join(home.path, 'home', 'datasets', dataset);

function recipeOf(changes: Partial<RecipeInput>): Recipe {
  return RecipeSchema.parse({ dataset, epochs: 2, batchSize: 14, lr: 2e-3, ...changes });
}

/** Without dropout, whose masks differ. */
function specOf(recipe: Recipe): GradientSpec {
  const spec = modelSpec(recipe, 5, D) as GradientSpec;
  return 'dropout' in spec ? { ...spec, dropout: 0 } : spec;
}

async function writeProject(recipe: Recipe, name: string): Promise<string> {
  const target = join(home.path, name);
  const recipeText = JSON.stringify({ nextvec: 'recipe', version: 1, data: null, ood: null, recipe });
  const folders = { dataset: datasetFolder(), ood: datasetFolder(), resourcesDir: 'resources', target };
  await exportTorchProject({ recipe, recipeText, initFile: null, ...folders });
  const file = join(target, 'project.json');
  const facts = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...facts, model: specOf(recipe) }));
  return target;
}

/** Runs train.py; the losses of each step. */
async function trainInTorch(folder: string, processes: number, words: readonly string[]): Promise<number[]> {
  const launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(processes)];
  const program = [join(folder, 'train.py'), '--log-steps', '--out', `out-${processes}`, ...words];
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  await promisify(execFile)(python!, [...(processes > 1 ? launch : []), ...program], { env });
  const lines = (await readFile(join(folder, `out-${processes}`, 'steps-1.csv'), 'utf8')).trim().split('\n');
  return lines.slice(1).map((line) => Number(line.split(',')[2]));
}

/** The same recipe by the trainer; the losses of each step of the first epoch, and the validation cosines. */
async function trainHere(recipe: Recipe): Promise<{ losses: number[]; cosines: (number | null)[] }> {
  const data = openDataset(datasetFolder());
  const engine = await createSimdEngine({ host: await simdHost(), threads: 1 });
  try {
    const { train, val } = splitDataset(data, recipe.split, recipe.seed);
    const source = await data.source();
    const [spec, loss] = [specOf(recipe), lossConfig(recipe, D)];
    const parameters = startParameters(recipe.start, spec, recipe.seed, { source, ids: train });
    const { batchSize: maxBatch, seed } = recipe;
    const model = await engine.createModel({
      spec,
      loss,
      optimizer: optimizerConfig(recipe),
      seed,
      parameters,
      maxBatch,
    });
    const recorder = new Recorder();
    const sides = { train: { source, ids: train }, validation: { source, ids: val } };
    await new Trainer({ model, ...sides, settings: { ...recipe, loss }, baselines: {}, hooks: recorder }).run();
    const losses = recorder.blocks.flatMap(({ epoch, columns }) => (epoch === 1 ? [...columns.total] : []));
    return { losses, cosines: recorder.epochs.map(({ valCosine }) => valCosine) };
  } finally {
    await engine.dispose();
    data.close();
  }
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
}

const ALL_TERMS = byTerm((term, k) => (term === 'mse' ? 1 : 0.1 * k));

test.skipIf(!python).each<[string, Partial<RecipeInput>]>([
  ['AMN, every term', { lambda: ALL_TERMS, varianceTarget: 'reachable', skip: 'positional', inputs: 'centred' }],
  ['LSTM', { modelType: 'lstm', sizes: { hiddenDim: 16 }, schedule: { kind: 'cosine', warmUp: 0.5 } }],
  ['GRU', { modelType: 'gru', sizes: { dModel: 16 }, inputs: 'relative', schedule: { kind: 'constant' } }],
  ['Transformer', { modelType: 'transformer', sizes: { dModel: 16, heads: 2, feedForward: 32 } }],
])('%s: the losses of 50 steps', { timeout: 300_000 }, async (name, changes) => {
  const recipe = recipeOf(changes);
  const ours = (await trainHere(recipe)).losses.slice(0, STEPS);
  const theirs = await trainInTorch(await writeProject(recipe, name), 1, [
    '--max-steps',
    String(STEPS),
    '--epochs',
    '1',
  ]);
  expect(theirs).toHaveLength(STEPS);
  expect(largestDifference(ours, theirs)).toBeLessThan(1e-4);
});

test.skipIf(!python)('two processes train as one, and best.pt comes back', { timeout: 300_000 }, async () => {
  const recipe = recipeOf({ lambda: ALL_TERMS, batchSize: 13 });
  const folder = await writeProject(recipe, 'processes');
  const { losses, cosines } = await trainHere(recipe);
  expect(largestDifference(losses, await trainInTorch(folder, 2, []))).toBeLessThan(1e-4);
  const { runId } = await nextvec.client.runs.importRun({ path: join(folder, 'out-2', 'best.pt'), dataset });
  const { run, epochs } = await nextvec.client.runs.get({ runId });
  expect(run.recipe).toMatchObject({ batchSize: 13, lambda: ALL_TERMS });
  epochs.forEach(({ valCosine }, i) => expect(valCosine).toBeCloseTo(cosines[i]!, 4));
  expect(epochs).toHaveLength(2);
  expect(run.imported?.measured?.valCosine).toBeCloseTo(run.imported!.stated.valCosine!, 4);
});
