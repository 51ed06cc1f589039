/**
 * Reads the history of another program as a run without weights: its curves, arguments and best epoch. Runs in a data
 * worker; nothing is measured or executed.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { readPythonJsonFile } from '../../formats/files/json-file.ts';
import { hashFile } from '../../weights/weights-file.ts';
import type { ImportRunJob, ImportedRun } from '../../processes/jobs/import-weights.ts';
import { dictAt, isDict, recipeFromArgs, type PlainDict } from '../../weights/args.ts';
import { statedFigures } from './epoch-records.ts';
import { readEventLogs } from './event-logs.ts';
import { historyOf, type History } from './history.ts';
import { ARGUMENTS, loggedOf } from './json-history.ts';
import type { Logged } from './logged.ts';
import type { HistorySource } from './source.ts';
import { readWandbLog } from './wandb-log.ts';

const MOST_JSON_BYTES = 64 * 2 ** 20;

export async function importHistory(job: ImportRunJob, source: HistorySource): Promise<ImportedRun> {
  refuseMeasuring(job);
  const { logged, args, name, stated } = await read(source);
  const history = historyOf(logged);
  const file = basename(job.path);
  if (history.epochs.length === 0 && history.steps === null) throw noCurves(job.path, history);
  const { recipe, notes } = recipeOf(args, history, job);
  return {
    name,
    imported: {
      file,
      format: source.format,
      sha256: await hashOf(source.paths),
      at: Date.now(),
      stated: statedFigures(stated, history.epochs),
      golden: null,
      measured: null,
    },
    recipe,
    dataName: null,
    parameters: null,
    epochs: history.epochs,
    steps: history.steps,
    checkpoint: null,
    measured: null,
    warnings: [...history.warnings],
    notes,
  };
}

interface ReadHistory {
  readonly logged: Logged;
  readonly args: PlainDict;
  /** Of the run, in the file; null: it has none. */
  readonly name: string | null;
  /** Figures beside the curves, such as `best_epoch`. */
  readonly stated: PlainDict;
}

async function read({ format, paths }: HistorySource): Promise<ReadHistory> {
  const [path] = paths;
  if (format === 'wandb') {
    const { config, name, ...logged } = await readWandbLog(path);
    return { logged, args: scalarsOf(config), name, stated: {} };
  }
  if (format === 'tensorboard') return { logged: await readEventLogs(paths), args: {}, name: null, stated: {} };
  const value = readPythonJsonFile(path, MOST_JSON_BYTES);
  // The last epoch, or a count of epochs: not the best one.
  const { epoch: _, ...root } = isDict(value) ? value : {};
  const args = { ...scalarsOf(root), ...scalarsOf(dictAt(root, ...ARGUMENTS)) };
  return { logged: loggedOf(value, path), args, name: null, stated: root };
}

function scalarsOf(dict: PlainDict): PlainDict {
  return Object.fromEntries(Object.entries(dict).filter(([, value]) => typeof value !== 'object'));
}

/** The arguments as a recipe; the epochs of a history that states none are those it has. */
function recipeOf(
  args: PlainDict,
  { epochs }: History,
  { modelType }: ImportRunJob,
): { recipe: Recipe; notes: string[] } {
  const { recipe: stated, left } = recipeFromArgs(args);
  const recipe = {
    ...stated,
    modelType: modelType ?? stated.modelType,
    epochs: args.epochs === undefined ? (epochs.at(-1)?.epoch ?? stated.epochs) : stated.epochs,
  };
  const notes = left.length > 0 ? [`Arguments that mean nothing here: ${left.join(', ')}.`] : [];
  if (modelType === null && args.model_type === undefined) {
    notes.push(`It names no model: it is listed as ${MODEL_LABELS[recipe.modelType]}. Another can be named at import.`);
  }
  return { recipe, notes };
}

/** Of several files that of their hashes. */
async function hashOf(paths: readonly string[]): Promise<string> {
  if (paths.length === 1) return hashFile(paths[0]);
  const hash = createHash('sha256');
  for (const path of paths) hash.update(await hashFile(path));
  return hash.digest('hex');
}

function refuseMeasuring({ path, dataset, contextLength, heads }: ImportRunJob): void {
  if (dataset === null && contextLength === null && heads === null) return;
  throw new NextvecError('BAD_INPUT', `${basename(path)} holds curves and no weights: nothing can be measured.`, {
    remedy: 'Leave out data, context length and heads, or import the checkpoint of that run.',
    details: { place: path },
  });
}

/** The warnings name the curves that it has, and where it was cut off. */
function noCurves(path: string, { warnings }: History): NextvecError {
  const message = [`${path} holds no curve that has a place here.`, ...warnings].join(' ');
  return new NextvecError('NO_KNOWN_ARRAYS', message, {
    remedy: 'Names such as train_loss, val_cosine and lr are known; the manual lists them.',
    details: { place: path },
  });
}
