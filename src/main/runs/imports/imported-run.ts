/** Import of another program's run as a service call: a data worker reads it (and proves weights), this writes the rows. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { nameFromFile } from '#shared/domain/names.ts';
import { metricIntervals } from '#engine/evaluation/run-intervals.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ModelType } from '#shared/domain/models/models.ts';
import { NO_DATASET } from '#shared/domain/recipe/recipe.ts';
import { STEP_COLUMNS, type Baselines, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import { inTransaction } from '../../store/database.ts';
import { requireDataset } from '../../store/datasets.ts';
import { beginAttempt, endAttempts, insertEpoch, insertLog, putCheckpoint } from '../../store/history.ts';
import { putCosineSums } from '../../store/cosine-sums.ts';
import { removeFolder, type Home } from '../../store/home.ts';
import { appendSteps, type Steps } from '../../store/series-writer.ts';
import { insertRun, updateRun, type RunChanges } from '../../store/runs.ts';
import type { ImportRunJob, ImportedRun } from '../../processes/jobs/import-weights.ts';
import { fromWireError } from '../../wire/errors.ts';
import type { WorkerClient, WorkerPool } from '../../processes/worker-pool.ts';

export interface ImportRunInput {
  readonly path: string;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly modelType: ModelType | null;
  readonly dataset: string | null;
  readonly ood: string | null;
  readonly contextLength: number | null;
  readonly heads: number | null;
}

export interface ImportRunContext {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'lease'>;
  readonly resourcesDir: string;
  /** Version of Nextvec, stored with the run. */
  readonly version: string;
  /** Tells watchers of the new run. */
  readonly announce: (runId: string) => void;
}

export async function importRun(
  context: ImportRunContext,
  input: ImportRunInput,
): Promise<{ runId: string; notes: string[] }> {
  const { home, workers, resourcesDir } = context;
  const sets = setsOf(home, input);
  const runId = randomBytes(6).toString('hex');
  const runFolder = home.runFolder(runId);
  const worker = await workers.lease();
  try {
    await mkdir(runFolder, { recursive: true });
    const imported = await worker.client.importRun({
      path: resolve(input.path),
      runId,
      runFolder,
      resourcesDir,
      modelType: input.modelType,
      contextLength: input.contextLength,
      heads: input.heads,
      ...sets,
    });
    const measured = await baselinesOf(context, worker.client, imported);
    worker.giveBack();
    record(context, runId, input, imported, measured);
    context.announce(runId);
    return { runId, notes: [...imported.warnings, ...imported.notes] };
  } catch (error) {
    await removeFolder(runFolder);
    throw fromWireError(error);
  } finally {
    await worker.release();
  }
}

/** The sets it is measured on. */
function setsOf(home: Home, { dataset, ood }: ImportRunInput): Pick<ImportRunJob, 'dataset' | 'ood'> {
  const named = (id: string | null) =>
    id === null ? null : { id: requireDataset(home.db, id).id, folder: home.datasetFolder(id) };
  const sets = { dataset: named(dataset), ood: named(ood) };
  if (sets.ood === null || sets.dataset !== null) return sets;
  throw new NextvecError('BAD_INPUT', 'An OOD set was named, but no data set to measure the model on.', {
    remedy: 'Name the data it was trained on as well.',
    details: { place: 'ood' },
  });
}

interface MeasuredBaselines {
  readonly baselines: Baselines;
  readonly sums: CosineSums | null;
}

/** On the same validation windows the model was measured on. */
async function baselinesOf(
  { home, resourcesDir }: ImportRunContext,
  client: WorkerClient,
  { recipe }: ImportedRun,
): Promise<MeasuredBaselines> {
  if (recipe.dataset === NO_DATASET) return { baselines: {}, sums: null };
  return client.measureBaselines({
    folder: home.datasetFolder(recipe.dataset),
    oodFolder: recipe.ood === null ? null : home.datasetFolder(recipe.ood),
    split: recipe.split,
    seed: recipe.seed,
    resourcesDir,
  });
}

function record(
  { home: { db }, version }: ImportRunContext,
  runId: string,
  input: ImportRunInput,
  run: ImportedRun,
  measured: MeasuredBaselines,
): void {
  const { recipe, imported, epochs, steps, checkpoint } = run;
  const dataset = recipe.dataset === NO_DATASET ? null : requireDataset(db, recipe.dataset);
  const at = Date.now();
  inTransaction(db, () => {
    insertRun(db, {
      id: runId,
      name: input.name ?? nameFromFile(run.name ?? imported.file, 'imported run'),
      recipe,
      datasetName: dataset?.name ?? run.dataName ?? 'not known',
      oodName: recipe.ood === null ? null : requireDataset(db, recipe.ood).name,
      tags: input.tags,
      appVersion: version,
      createdAt: at,
    });
    const attempt = beginAttempt(db, runId, 1, null, at);
    for (const epoch of epochs) insertEpoch(db, runId, attempt, epoch, at);
    if (steps !== null) appendSteps(db, { runId, attempt }, [stepBlock(steps)]);
    endAttempts(db, runId, at);
    if (checkpoint !== null) putCheckpoint(db, runId, checkpoint, at);
    for (const message of [arrival(run), ...run.notes]) insertLog(db, runId, { at, level: 'info', message });
    for (const message of run.warnings) insertLog(db, runId, { at, level: 'warning', message });
    for (const sums of [run.measured?.sums, measured.sums]) if (sums) putCosineSums(db, runId, sums);
    updateRun(db, runId, outcome(run, measured, at));
  });
}

function outcome(run: ImportedRun, { baselines, sums }: MeasuredBaselines, at: number): RunChanges {
  const { imported, epochs, steps, measured } = run;
  const lastStep = steps?.lastStep ?? epochs.at(-1)?.step ?? 0;
  return {
    status: 'finished',
    reason: `Imported from ${imported.file}.`,
    ended_at_ms: at,
    parameters: run.parameters,
    train_rows: measured?.trainRows ?? null,
    val_rows: measured?.rows ?? null,
    ood_rows: measured?.oodRows ?? null,
    baselines_json: JSON.stringify(baselines),
    epoch: epochs[epochs.length - 1]?.epoch ?? imported.stated.epoch ?? 0,
    step: lastStep,
    total_steps: lastStep > 0 ? lastStep : null,
    best_json: best(run, sums),
    imported_json: JSON.stringify(imported),
  };
}

function arrival({ imported: { file, sha256, golden }, epochs }: ImportedRun): string {
  const proof = golden
    ? `golden pair made on ${golden.madeOn}, reproduced on ${golden.reproducedOn} within ` +
      `${golden.maxRelative.toExponential(1)} of its largest value. `
    : 'curves without weights. ';
  return (
    `Imported from ${file} (sha256 ${sha256.slice(0, 12)}): ${proof}` +
    `${epochs.length} epochs of history are as the file states them.`
  );
}

/** All columns of the series, which store no fewer. */
function stepBlock({ lastStep, columns }: NonNullable<ImportedRun['steps']>): Steps {
  const column = (name: StepColumn) => columns[name] ?? new Float32Array(lastStep).fill(Number.NaN);
  return {
    firstStep: 1,
    count: lastStep,
    columns: Object.fromEntries(STEP_COLUMNS.map((name) => [name, column(name)])) as StepBlock['columns'],
  };
}

/** Only what was measured here; what the file states stays in `imported`. */
function best({ measured, imported, epochs, recipe }: ImportedRun, baselines: CosineSums | null): string | null {
  if (!measured) return null;
  const stated = epochs.findLast((record) => record.isBest);
  const epoch = imported.stated.epoch ?? stated?.epoch ?? recipe.epochs;
  const { valLoss, valCosine, oodCosine } = measured;
  const intervals = metricIntervals(measured.sums, baselines, recipe.seed);
  return JSON.stringify({ epoch, step: 0, valLoss, valCosine, oodCosine, intervals });
}
