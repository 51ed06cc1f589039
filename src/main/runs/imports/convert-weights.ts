/**
 * Converts a checkpoint of another program into the best checkpoint of a new run folder, with a golden pair computed by
 * one engine and reproduced from the written file by another where there are two. Runs in a data worker: it knows folders, not the database.
 */
import { join } from 'node:path';
import { RunGroups } from '#engine/evaluation/run-intervals.ts';
import { score } from '#engine/evaluation/score.ts';
import type { Split } from '#engine/evaluation/windows.ts';
import { initialState } from '#engine/trainer/start-state.ts';
import type { GoldenPair } from '#engine/trainer/types.ts';
import type { EngineName, Predictor } from '#engine/types.ts';
import type { Imported } from '#shared/contract/runs.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { GramSpec } from '#shared/domain/models/gram.ts';
import { inputShift } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { sizesOf, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { StoredCheckpoint } from '#shared/domain/runs/training.ts';
import { openDataset, type Dataset } from '../../datasets/dataset.ts';
import { splitDataset } from '../../datasets/split/split.ts';
import { proveGolden } from '../../evaluation/parity.ts';
import { readCheckpoint } from '../../checkpoints/read.ts';
import { writeCheckpoint } from '../../checkpoints/write.ts';
import { recipeFromArgs } from '../../weights/args.ts';
import type { ImportRunJob, ImportedRun } from '../../processes/jobs/import-weights.ts';
import { statedFigures } from '../histories/epoch-records.ts';
import { historyOf } from '../histories/history.ts';
import { loggedOf } from '../histories/json-history.ts';
import { goldenEngines, makeGolden, withModel, type ImportedModel } from './imported-golden.ts';
import { readModelWeights, type ModelWeights } from '../../weights/model-weights.ts';
import { hashFile } from '../../weights/weights-file.ts';

const ONE_ENGINE =
  'Only simd runs a Gram mixture: the stored file was read back and reproduced by the same engine, not checked by a second one.';

/** Throws where the file is no checkpoint of a model that is known here; histories without weights: histories/. */
export async function importWeights(job: ImportRunJob): Promise<ImportedRun> {
  using dataset = job.dataset && openDataset(job.dataset.folder);
  using ood = job.dataset && job.ood && openDataset(job.ood.folder);
  const weights = await readModelWeights(job.path, {
    modelType: job.modelType ?? undefined,
    T: job.contextLength ?? dataset?.T,
    heads: job.heads ?? undefined,
  });
  for (const set of [dataset, ood]) if (set) refuseOtherShape(weights, set);
  return await convert(job, weights, dataset, ood);
}

function refuseOtherShape({ spec, source }: ModelWeights, { T, D }: Dataset): void {
  if (spec.D === D && spec.T === T) return;
  throw new NextvecError(
    'WIDTH_MISMATCH',
    `${source.file} is a model for windows of ${spec.T}×${spec.D}, the data set has ${T}×${D}.`,
    {
      remedy: 'Name the data it was trained on, or data embedded by the same encoder.',
      details: { place: source.file },
    },
  );
}

type Measured = NonNullable<ImportedRun['measured']>;

async function convert(
  job: ImportRunJob,
  weights: ModelWeights,
  dataset: Dataset | null,
  ood: Dataset | null,
): Promise<ImportedRun> {
  const { source, spec } = weights;
  const { recipe, left } = recipeOf(weights, job);
  const splits = dataset && (await splitsOf(dataset, ood, recipe));
  const { makes, reproduces } = goldenEngines(spec);
  const model = { spec, parameters: weights.parameters, recipe, resourcesDir: job.resourcesDir };
  const { golden, measured } = await withModel(model, makes, async (opened) => ({
    golden: await makeGolden(opened, splits?.validation ?? null, recipe.seed),
    measured: splits && (await measure(opened, splits)),
  }));
  const { history, training_history, metrics } = source.rest;
  const { epochs, steps, warnings } = historyOf(loggedOf(history ?? training_history ?? metrics, source.file));
  const stated = statedFigures(source.rest, epochs);
  const checkpoint = await store(job, model, golden, stated.epoch ?? 0, measured?.valCosine ?? null);
  const maxRelative = await reproduce(job, model, checkpoint, reproduces);
  const proof = { madeOn: makes, reproducedOn: reproduces, maxRelative };
  return {
    name: null,
    imported: await originOf(job, source, { stated, golden: proof, measured }),
    recipe,
    dataName: dataName(weights),
    parameters: parameterCount(spec),
    epochs,
    steps,
    checkpoint,
    measured,
    warnings: [...warnings],
    notes: [
      ...weights.assumed,
      ...(makes === reproduces ? [ONE_ENGINE] : []),
      ...notesOn(left, stated.valCosine, measured),
    ],
  };
}

/** Where the run comes from, and what was found of it here. */
async function originOf(
  { path }: ImportRunJob,
  { file, format }: ModelWeights['source'],
  { stated, golden, measured }: Pick<Imported, 'stated' | 'golden'> & { readonly measured: Measured | null },
): Promise<Imported> {
  const sha256 = await hashFile(path);
  const cosines = measured && { valCosine: measured.valCosine, rows: measured.rows, oodCosine: measured.oodCosine };
  return { file, format, sha256, at: Date.now(), stated, golden, measured: cosines };
}

function recipeOf({ args, spec }: ModelWeights, { dataset, ood }: ImportRunJob): { recipe: Recipe; left: string[] } {
  const { recipe, left } = recipeFromArgs(args);
  return {
    recipe: {
      ...recipe,
      dataset: dataset?.id ?? recipe.dataset,
      ood: ood?.id ?? null,
      modelType: spec.type,
      skip: spec.type === 'amn' && spec.skip ? 'positional' : 'mean',
      inputs: inputShift(spec) ?? 'absolute',
      gram: spec.type === 'gram' ? gramSettings(spec) : recipe.gram,
      sizes: sizesOf(spec),
    },
    left,
  };
}

/** Whether turned windows were among the data of its gates is not in the file. */
function gramSettings({ neighbours, filters }: GramSpec): Recipe['gram'] {
  const onOff = (list: readonly unknown[]) => (list.length > 0 ? 'on' : 'off');
  return { neighbours: onOff(neighbours), filters: onOff(filters), turned: 'on' };
}

function notesOn(left: readonly string[], stated: number | null, measured: Measured | null): string[] {
  const notes = left.length > 0 ? [`Arguments that mean nothing here: ${left.join(', ')}.`] : [];
  if (!measured) return notes;
  notes.push('Which of these windows it was trained on is not known; a cosine on windows it has seen flatters it.');
  if (stated !== null && Math.abs(stated - measured.valCosine) >= 1e-3) {
    notes.push(
      `The file states a validation cosine of ${stated.toFixed(4)}; on ${measured.rows} validation windows here it is ${measured.valCosine.toFixed(4)}.`,
    );
  }
  return notes;
}

function dataName({ args }: ModelWeights): string | null {
  const name = args.data ?? args.train_data ?? args.npz ?? args.dataset;
  return typeof name === 'string' && name !== '' ? name : null;
}

interface Splits {
  readonly validation: Split;
  /** All windows of the OOD set. */
  readonly ood: Split | null;
  readonly trainRows: number;
}

async function splitsOf(dataset: Dataset, ood: Dataset | null, recipe: Recipe): Promise<Splits> {
  const { train, val } = splitDataset(dataset, recipe.split, recipe.seed);
  return {
    validation: { source: await dataset.source(), ids: val, articleOf: dataset.windowArticles ?? undefined },
    ood: ood && {
      source: await ood.source(),
      ids: Uint32Array.from({ length: ood.windows }, (_, i) => i),
      articleOf: ood.windowArticles ?? undefined,
    },
    trainRows: train.length,
  };
}

async function measure(model: Predictor, { validation, ood, trainRows }: Splits): Promise<Measured> {
  const found = await score(model, validation);
  const foreign = ood && (await score(model, ood));
  if (found === null || (ood !== null && foreign === null)) {
    throw new NextvecError('CANCELLED', 'The import was cancelled.');
  }
  return {
    valCosine: found.cosine,
    valLoss: found.unitMse,
    rows: found.rows,
    trainRows,
    oodCosine: foreign?.cosine ?? null,
    oodRows: foreign?.rows ?? null,
    sums: new RunGroups({ validation, ood }).sums({ validation: found.cosines, ood: foreign?.cosines ?? null }),
  };
}

function store(
  { runFolder, runId }: ImportRunJob,
  { spec, parameters, recipe }: ImportedModel,
  golden: GoldenPair,
  epoch: number,
  valCosine: number | null,
): Promise<StoredCheckpoint> {
  const state = { ...initialState(recipe), epoch };
  const optimizer = { step: 0, m: new Map(), v: new Map() };
  return writeCheckpoint(
    { kind: 'best', state, parameters, optimizer, golden },
    { runFolder, runId, recipe, spec, kind: 'best', valCosine },
  );
}

/** Largest difference of an engine from the golden pair of the written checkpoint, relative to the pair's largest value. */
async function reproduce(
  { runFolder, runId }: ImportRunJob,
  model: ImportedModel,
  { folder, sha256 }: StoredCheckpoint,
  engine: EngineName,
): Promise<number> {
  const stored = await readCheckpoint(join(runFolder, folder), { runId, weightHashes: { [folder]: sha256 } });
  const again = { ...model, parameters: stored.parameters };
  const { goldenMaxRelative } = await withModel(again, engine, (opened) => proveGolden(opened, stored));
  return goldenMaxRelative ?? 0;
}
