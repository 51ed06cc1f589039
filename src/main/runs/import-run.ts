/** Imported runs in the history: the worker reads and proves, this writes the row once everything held. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ModelType } from '#shared/domain/models/models.ts';
import { NO_DATASET } from '#shared/domain/recipe/recipe.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import { requireOwner, type Services } from '../rpc/context.ts';
import { requireDataset } from '../rpc/datasets.ts';
import { fromWireError } from '../wire/errors.ts';
import { beginAttempt, endAttempts, insertEpoch, insertLog, putCheckpoint } from '../store/history.ts';
import { removeFolder } from '../store/home.ts';
import { insertRun, updateRun } from '../store/runs.ts';
import type { ImportedRun } from '../weights/import-job.ts';
import type { WorkerClient } from '../worker/pool.ts';

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

export async function importRun(
  services: Services,
  input: ImportRunInput,
): Promise<{ runId: string; notes: string[] }> {
  requireOwner(services);
  const { home, options, workers } = services;
  const dataset = input.dataset === null ? null : requireDataset(services, input.dataset);
  if (input.ood !== null) requireDataset(services, input.ood);
  if (input.ood !== null && dataset === null) {
    throw new NextvecError('BAD_INPUT', 'An OOD set was named, but no data set to measure the model on.', {
      remedy: 'Name the data it was trained on as well.',
      details: { place: 'ood' },
    });
  }
  const runId = randomBytes(6).toString('hex');
  const runFolder = home.runFolder(runId);
  await mkdir(runFolder, { recursive: true });
  const worker = workers.startSingle();
  try {
    const taken = await worker.client.importRun({
      path: resolve(input.path),
      runId,
      runFolder,
      resourcesDir: options.resourcesDir,
      modelType: input.modelType,
      contextLength: input.contextLength,
      heads: input.heads,
      dataset: dataset && { id: dataset.id, folder: home.datasetFolder(dataset.id) },
      ood: input.ood === null ? null : { id: input.ood, folder: home.datasetFolder(input.ood) },
    });
    const baselines = await baselinesOf(services, worker.client, taken);
    record(services, runId, input, taken, baselines);
    services.runs.announceImported(runId);
    return { runId, notes: taken.notes };
  } catch (error) {
    await removeFolder(runFolder);
    throw fromWireError(error);
  } finally {
    await worker.release();
  }
}

/** On the same validation windows the model was measured on. */
async function baselinesOf(
  { home, options }: Services,
  client: WorkerClient,
  { recipe }: ImportedRun,
): Promise<Baselines> {
  if (recipe.dataset === NO_DATASET) return {};
  return client.measureBaselines({
    folder: home.datasetFolder(recipe.dataset),
    oodFolder: recipe.ood === null ? null : home.datasetFolder(recipe.ood),
    split: recipe.split,
    seed: recipe.seed,
    resourcesDir: options.resourcesDir,
  });
}

function record(
  services: Services,
  runId: string,
  input: ImportRunInput,
  taken: ImportedRun,
  baselines: Baselines,
): void {
  const { home, options } = services;
  const { db } = home;
  const { recipe, imported, epochs, measured, checkpoint } = taken;
  const dataset = recipe.dataset === NO_DATASET ? null : requireDataset(services, recipe.dataset);
  const at = Date.now();
  db.transaction(() => {
    insertRun(db, {
      id: runId,
      name: input.name ?? imported.file,
      recipe,
      datasetName: dataset?.name ?? taken.dataName ?? 'not known',
      oodName: recipe.ood === null ? null : requireDataset(services, recipe.ood).name,
      tags: input.tags,
      appVersion: options.version,
      createdAt: at,
    });
    const attempt = beginAttempt(db, runId, 1, null, at);
    for (const epoch of epochs) insertEpoch(db, runId, attempt, epoch, at);
    endAttempts(db, runId, at);
    putCheckpoint(db, runId, checkpoint, at);
    for (const message of [arrival(taken), ...taken.notes]) insertLog(db, runId, { at, level: 'info', message });
    updateRun(db, runId, {
      status: 'finished',
      reason: `Imported from ${imported.file}.`,
      ended_at_ms: at,
      parameters: taken.parameters,
      train_rows: measured?.trainRows ?? null,
      val_rows: measured?.rows ?? null,
      ood_rows: measured?.oodRows ?? null,
      baselines_json: JSON.stringify(baselines),
      epoch: epochs[epochs.length - 1]?.epoch ?? imported.stated.epoch ?? 0,
      best_json: best(taken),
      imported_json: JSON.stringify(imported),
    });
  }).immediate();
}

function arrival({ imported, epochs }: ImportedRun): string {
  const { madeOn, reproducedOn, maxRelative } = imported.golden;
  return (
    `Imported from ${imported.file} (sha256 ${imported.sha256.slice(0, 12)}): golden pair made on ${madeOn}, reproduced on ` +
    `${reproducedOn} within ${maxRelative.toExponential(1)} of its largest value. ` +
    `${epochs.length} epochs of history are as the file states them.`
  );
}

/** Only what was measured here; what the file states stays in `imported`. */
function best({ measured, imported, epochs, recipe }: ImportedRun): string | null {
  if (!measured) return null;
  const stated = epochs.findLast((record) => record.isBest);
  const epoch = imported.stated.epoch ?? stated?.epoch ?? recipe.epochs;
  const { valLoss, valCosine, oodCosine } = measured;
  return JSON.stringify({ epoch, step: 0, valLoss, valCosine, oodCosine });
}
