/**
 * The uninterrupted run that killed runs are compared with: its history and the hashes of its weights. Used by
 * kill.test.ts and bench/kill-rounds.ts; failures are thrown as assertions.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { FIT_FILE, MODEL_FILE } from '../../../src/main/checkpoints/manifest.ts';
import { findResumable } from '../../../src/main/checkpoints/resume.ts';
import { followTo, importChunks, type TestHome } from '../nextvec.ts';
import { trainerHere } from '../trainer-here.ts';

/** Small enough to end in seconds, long enough to be killed many times. */
const DATA = { articles: 60, chunksPerArticle: 12, D: 16 } as const;
const MIXTURE = { modelType: 'gram', epochs: 4, batchSize: 256, lr: 5e-3, lambda: { mse: 0, cosine: 1 } } as const;
/** 240 steps that a software adapter can train in seconds. */
const WEBGPU = { engine: 'webgpu', epochs: 5, batchSize: 8, lambda: { mse: 1, info_nce: 0.1 } } as const;
const RECIPES = {
  amn: {
    // Checkpoints of 40 kB: they are written ten times a second.
    sizes: { dModel: 32, hiddenDim: 64 },
    epochs: 20,
    batchSize: 16,
    lambda: { mse: 1, info_nce: 0.1 },
    inputs: 'centred',
    augment: { isometry: 0.5 },
  },
  gram: MIXTURE,
  'gram-with-part': MIXTURE,
  'webgpu-amn': { ...WEBGPU, modelType: 'amn', sizes: { dModel: 8, hiddenDim: 16 }, augment: { isometry: 0.5 } },
  'webgpu-lstm': { ...WEBGPU, modelType: 'lstm', sizes: { hiddenDim: 8, numLayers: 2 } },
  'webgpu-gru': { ...WEBGPU, modelType: 'gru', sizes: { dModel: 8, numLayers: 2 }, inputs: 'relative' },
  'webgpu-transformer': {
    ...WEBGPU,
    modelType: 'transformer',
    sizes: { dModel: 8, heads: 2, numLayers: 2, feedForward: 16 },
  },
} as const satisfies Record<string, Partial<RecipeInput>>;
export const KILLED_MODELS = Object.keys(RECIPES) as readonly (keyof typeof RECIPES)[];
export type KilledModel = (typeof KILLED_MODELS)[number];

/** The run that is a part of the mixture. */
const PART = { epochs: 1, batchSize: 16, sizes: { dModel: 8, hiddenDim: 16 } } as const satisfies Partial<RecipeInput>;

/** A mixture has nine stages and hardly a step. */
function momentsOf({ modelType }: RecipeInput, steps: number): Moments {
  if (modelType === 'gram') return { stages: 9, withinSteps: 1, withinMs: 300 };
  return { stages: 1, withinSteps: Math.floor(steps / 3), withinMs: 120 };
}
const COLUMNS = ['total', 'gradNorm', 'cosine'] as const;
type Columns = Readonly<Record<(typeof COLUMNS)[number], readonly number[]>>;

/** Latest moment of a kill: stage of the fit (1: the model has none), steps of a life, and time after both. */
interface Moments {
  readonly stages: number;
  readonly withinSteps: number;
  readonly withinMs: number;
}

interface History {
  readonly steps: number;
  readonly columns: Columns;
  readonly valCosines: readonly (number | null)[];
}

export interface Reference extends History {
  readonly recipe: RecipeInput;
  readonly moments: Moments;
  readonly weights: { readonly last: string; readonly best: string };
}

async function historyOf(client: NextvecClient, runId: string): Promise<History> {
  const series = await client.runs.series({ runId, columns: [...COLUMNS], maxPoints: 20_000 });
  assert.deepEqual(
    Array.from(series.step),
    Array.from(series.step, (_, i) => i + 1),
    'a step is missing or doubled in the series',
  );
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, Array.from(series.mean[name] ?? [])]));
  const { epochs } = await client.runs.get({ runId });
  return {
    // The steps of a mixture are its epochs.
    steps: Math.max(series.step.length, epochs.length),
    columns: columns as unknown as Columns,
    valCosines: epochs.map(({ valCosine }) => valCosine),
  };
}

async function weightsOf(runFolder: string, kind: 'last' | 'best'): Promise<string> {
  const names = (await readdir(runFolder)).filter((name) => name.startsWith(`${kind}-`));
  assert.equal(names.length, 1, `${names.length} checkpoints of kind ${kind}`);
  const folder = join(runFolder, names[0]);
  const fit = join(folder, FIT_FILE);
  const file = await readFile(existsSync(fit) ? fit : join(folder, MODEL_FILE));
  return createHash('sha256').update(file).digest('hex');
}

function runFolder(home: TestHome, runId: string): string {
  return join(home.path, 'home', 'runs', runId);
}

/** Trains without an interruption, on `simd` in this process; returns the run's id. */
async function train(home: TestHome, recipe: RecipeInput): Promise<string> {
  const nextvec = await home.open(recipe.engine === 'simd' ? { spawnTrainer: trainerHere } : {});
  const { runId } = await nextvec.client.runs.start({ recipe });
  await followTo(nextvec.client, runId, 'finished');
  await nextvec.close();
  return runId;
}

async function importData(home: TestHome): Promise<string> {
  const importing = await home.open();
  const dataset = await importChunks(importing.client, join(home.path, 'walks.npz'), DATA);
  await importing.close();
  return dataset;
}

/** Trains the reference in `home` and closes the folder. `changes`: to the recipe of the model. */
export async function trainReference(
  home: TestHome,
  model: KilledModel = 'amn',
  changes: Partial<RecipeInput> = {},
): Promise<Reference> {
  const dataset = changes.dataset ?? (await importData(home));
  const common = { dataset, engine: 'simd', threads: 1 } as const;
  const parts = model === 'gram-with-part' ? [await train(home, { ...PART, ...common })] : [];
  const recipe: RecipeInput = { ...common, parts, ...RECIPES[model], ...changes };
  const runId = await train(home, recipe);
  const reader = await home.open({ access: 'reader' });
  const history = await historyOf(reader.client, runId);
  await reader.close();
  const folder = runFolder(home, runId);
  return {
    ...history,
    recipe,
    moments: momentsOf(recipe, history.steps),
    weights: { last: await weightsOf(folder, 'last'), best: await weightsOf(folder, 'best') },
  };
}

/** Steps in the history of a killed run; throws unless they equal the reference's first steps and cover its checkpoint. */
export async function checkKilled(
  home: TestHome,
  client: NextvecClient,
  runId: string,
  reference: Reference,
): Promise<number> {
  const { steps, columns, valCosines } = await historyOf(client, runId);
  for (const name of COLUMNS) assert.deepEqual(columns[name], reference.columns[name].slice(0, steps), name);
  assert.deepEqual(valCosines, reference.valCosines.slice(0, valCosines.length), 'validation cosines');
  const resumable = await findResumable(runFolder(home, runId), { runId, weightHashes: {} });
  const known = resumable?.checkpoint.state.step ?? 0;
  assert.ok(known <= steps, `the checkpoint is of step ${known}, the history holds ${steps}`);
  return steps;
}

/** Throws unless a killed and resumed run ended as the uninterrupted one, bit for bit. */
export async function checkFinished(
  home: TestHome,
  client: NextvecClient,
  runId: string,
  reference: Reference,
): Promise<void> {
  const steps = await checkKilled(home, client, runId, reference);
  assert.equal(steps, reference.steps, 'steps in the history of the finished run');
  const { epochs } = await client.runs.get({ runId });
  assert.equal(epochs.length, reference.recipe.epochs);
  const folder = runFolder(home, runId);
  assert.equal(await weightsOf(folder, 'last'), reference.weights.last, 'final weights');
  assert.equal(await weightsOf(folder, 'best'), reference.weights.best, 'best weights');
}
