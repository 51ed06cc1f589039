/**
 * Exports of a run: its best weights in the formats other programs read, its figures as CSV, its recipe as a command
 * line and as a file. Text comes back as text; what can be large is written to a folder, usually the storage folder's `exports/`.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportFormat, RunDetail } from '#shared/contract/runs.ts';
import { dataWord } from '#shared/domain/recipe/command-line.ts';
import { taskOf } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { fileWords } from '#shared/domain/names.ts';
import { recipeFileText, type DataReference } from '#shared/domain/recipe/recipe-file.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import { csvText } from '#shared/domain/text-escapes.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import type { RunHistory } from '../../evaluation/context.ts';
import { findDataset } from '../../store/datasets.ts';
import { weightHashes } from '../../store/history.ts';
import type { Home } from '../../store/home.ts';
import { engineOf, requireRun, requireWeights, type RunRow } from '../../store/runs.ts';
import { readRecipe, readTask } from '../../store/stored-json.ts';
import type { WorkerPool } from '../../processes/worker-pool.ts';
import { listCheckpointFolders } from '../../checkpoints/resume.ts';
import type { ExportModelJob, ModelFormat } from '../../processes/jobs/export-model.ts';
import type { TorchProjectJob } from '../../processes/jobs/torch-project.ts';
import { writeThenRename } from '../../formats/files/output-file.ts';
import { writeSeriesCsv } from './series-csv.ts';
import { initFile } from '../start-weights.ts';
import { writeTensorboard } from './tensorboard.ts';
import { torchProblem } from './torch-recipe.ts';

export interface ExportContext {
  readonly home: Home;
  /** Where files are written. */
  readonly exportsFolder: string;
  readonly workers: Pick<WorkerPool, 'once'>;
  readonly runs: Pick<RunHistory, 'get'>;
  readonly resourcesDir: string;
  /** Version of Nextvec, written into the exported files. */
  readonly version: string;
}

export interface Exported {
  readonly path: string | null;
  readonly text: string | null;
  readonly fileName: string;
}

const MODEL_FILES: Readonly<Record<ModelFormat, string>> = {
  safetensors: '.safetensors',
  npz: '.npz',
  onnx: '.onnx',
  tfjs: '-tfjs',
  golden: '-golden.safetensors',
};

export async function exportRun(context: ExportContext, handle: string, format: ExportFormat): Promise<Exported> {
  const { home, runs } = context;
  const row = requireRun(home.db, handle);
  const stem = fileStem(row);
  switch (format) {
    case 'command':
      return { path: null, text: `${runs.get(row.id).commandLine}\n`, fileName: `${stem}.sh` };
    case 'recipe':
      return { path: null, text: recipeText(home, row), fileName: `${stem}.recipe.json` };
    case 'csv':
      return { path: null, text: epochsCsv(runs.get(row.id)), fileName: `${stem}-epochs.csv` };
    case 'series':
      return exportSeries(context, row, `${stem}-steps.csv`);
    case 'tensorboard':
      return exportTensorboard(context, row, `${stem}-tensorboard`);
    case 'torch-project':
      return exportTorchProject(context, row, `${stem}-torch`);
    default:
      return exportWeights(context, row, format, `${stem}${MODEL_FILES[format]}`);
  }
}

function fileStem(row: RunRow): string {
  const words = fileWords(row.name);
  return `run-${row.number}${words === '' || words === `Run-${row.number}` ? '' : `-${words}`}`;
}

function recipeText(home: Home, row: RunRow): string {
  const recipe = readRecipe(row.recipe_json);
  const reference = (id: string | null, name: string): DataReference => {
    const dataset = id === null ? null : findDataset(home.db, id);
    if (dataset === null) return { name, file: null, sha256: null, task: null };
    const { passport } = dataset;
    return { name, file: dataWord(dataset), sha256: passport.sha256, task: taskOf(passport) };
  };
  const ood = recipe.ood === null ? null : reference(row.ood_id, row.ood_name ?? '');
  return recipeFileText(recipe, reference(row.dataset_id, row.dataset_name), ood);
}

async function exportSeries(
  { home, exportsFolder, runs }: ExportContext,
  row: RunRow,
  fileName: string,
): Promise<Exported> {
  // Reading the run flushes the steps of a live one.
  const { run } = runs.get(row.id);
  await mkdir(exportsFolder, { recursive: true });
  const path = join(exportsFolder, fileName);
  await writeThenRename(path, (temporary) => writeSeriesCsv(home.db, row.id, run.step, temporary));
  return { path, text: null, fileName };
}

/** A folder. */
async function exportTensorboard(
  { home, exportsFolder, runs }: ExportContext,
  row: RunRow,
  fileName: string,
): Promise<Exported> {
  const { run, epochs } = runs.get(row.id);
  await mkdir(exportsFolder, { recursive: true });
  const path = join(exportsFolder, fileName);
  const facts = { id: row.id, createdAtMs: row.created_at_ms, lastStep: run.step, epochs };
  await rm(path, { recursive: true, force: true });
  await writeThenRename(path, (temporary) => writeTensorboard(home.db, facts, temporary));
  return { path, text: null, fileName };
}

/** A folder. */
async function exportTorchProject(
  { home, exportsFolder, workers, resourcesDir }: ExportContext,
  row: RunRow,
  fileName: string,
): Promise<Exported> {
  const recipe = readRecipe(row.recipe_json);
  const problem = torchProblem(recipe);
  if (problem !== null) {
    const message = `Run ${row.number} cannot be exported as a PyTorch project: ${problem.message}.`;
    throw new NextvecError('BAD_INPUT', message, { remedy: problem.remedy, details: { place: row.id } });
  }
  const dataset = row.dataset_id === null ? null : findDataset(home.db, row.dataset_id);
  const ood = row.ood_id === null ? null : findDataset(home.db, row.ood_id);
  if (dataset === null || (recipe.ood !== null && ood === null)) throw dataGone(row);
  const path = join(exportsFolder, fileName);
  await mkdir(exportsFolder, { recursive: true });
  const job: TorchProjectJob = {
    recipe,
    recipeText: recipeText(home, row),
    dataset: home.datasetFolder(dataset.id),
    ood: ood && home.datasetFolder(ood.id),
    initFile: initFile(home, recipe),
    resourcesDir,
    target: path,
  };
  await workers.once((client) => client.exportTorchProject(job));
  return { path, text: null, fileName };
}

function dataGone({ id, number }: RunRow): NextvecError {
  return new NextvecError('NOT_FOUND', `A data set of run ${number} is no longer in the storage folder.`, {
    remedy: 'Import its file and train the recipe on it; a PyTorch project refers to the stored data.',
    details: { place: id },
  });
}

/** The best checkpoint, or the last where no epoch has ended yet. */
async function exportWeights(
  { home, exportsFolder, workers, resourcesDir, version }: ExportContext,
  row: RunRow,
  format: ModelFormat,
  fileName: string,
): Promise<Exported> {
  requireWeights(row);
  const runFolder = home.runFolder(row.id);
  const [best] = await listCheckpointFolders(runFolder, ['best']);
  const [last] = await listCheckpointFolders(runFolder, ['last', 'kept']);
  const name = best ?? last;
  if (name === undefined) {
    throw new NextvecError('NOT_FOUND', `Run ${row.number} has no checkpoint yet.`, {
      remedy: 'Export it once its first checkpoint is written.',
      details: { place: row.id },
    });
  }
  const path = join(exportsFolder, fileName);
  const job: ExportModelJob = {
    runId: row.id,
    weightHashes: weightHashes(home.db, row.id),
    format,
    checkpoint: join(runFolder, name),
    recipe: readRecipe(row.recipe_json),
    resourcesDir,
    engine: engineOf(row)?.name ?? null,
    target: path,
    version,
    run: { number: row.number, name: row.name },
    task: readTask(row.task_json),
  };
  await workers.once((client) => client.exportModel(job));
  return { path, text: null, fileName };
}

const EPOCH_COLUMNS = [
  'epoch',
  'step',
  'trainLoss',
  'trainCosine',
  'valLoss',
  'valCosine',
  'oodLoss',
  'oodCosine',
  'lr',
  'gradNorm',
  'rowsPerSecond',
  'durationMs',
] as const satisfies readonly (keyof EpochRecord)[];

const TERM_FIGURES = ['value', 'weighted', 'share', 'gradShare'] as const;

/** One line an epoch; an empty cell was not measured. Figures that a file states say which. */
function epochsCsv({ epochs, epochsStatedBy }: Pick<RunDetail, 'epochs' | 'epochsStatedBy'>): string {
  const stated = epochsStatedBy === null ? [] : [csvText(epochsStatedBy)];
  // Terms that only a newer version has come last.
  const termNames = new Set([...TERMS, ...epochs.flatMap((record) => Object.keys(record.terms))]);
  const termColumns = [...termNames].flatMap((term) => TERM_FIGURES.map((figure) => `${term}.${figure}`));
  const lines = epochs.map((record) => {
    const terms = [...termNames].flatMap((term) => TERM_FIGURES.map((figure) => record.terms[term]?.[figure]));
    return [...EPOCH_COLUMNS.map((column) => record[column]), ...terms, ...stated]
      .map((value) => value ?? '')
      .join(',');
  });
  const columns = [...EPOCH_COLUMNS, ...termColumns, ...(stated.length > 0 ? ['statedBy'] : [])];
  return `${[columns.map(csvText).join(','), ...lines].join('\n')}\n`;
}
