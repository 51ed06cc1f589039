/**
 * Evaluations, cross-tests and comparisons as service calls: collects a job's input from the history, runs it in a data
 * worker of its own and stores the result. Not here: the numbers (`evaluate.ts`).
 */
import type { EvaluationEvent, EvaluationPart, MatrixCell, WorkProgress } from '#shared/contract/evaluation.ts';
import { compareRuns } from '#shared/domain/evaluation/compare-runs.ts';
import type { RunComparison } from '#shared/domain/evaluation/comparison.ts';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { cosineInterval, type Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { NO_DATASET } from '#shared/domain/recipe/recipe.ts';
import { BASELINES } from '#shared/domain/runs/training.ts';
import { requireDataset } from '../store/datasets.ts';
import { insertEvaluation, listEvaluations } from '../store/evaluations.ts';
import { listEpochs, weightHashes } from '../store/history.ts';
import { baselinesOf, engineOf, requireRun, requireWeights, splitProofOf, type RunRow } from '../store/runs.ts';
import { readRecipe, readTask } from '../store/stored-json.ts';
import type { EvaluationContext } from './context.ts';
import type { EvaluateJob } from '../processes/jobs/evaluation.ts';
import { pairedDifferences } from './paired.ts';
import { comparableRun } from './run-facts.ts';
import { workerEvents } from './worker-events.ts';

export function evaluateJob(
  context: EvaluationContext,
  row: RunRow,
  datasetId: string,
  part: EvaluationPart | undefined,
): EvaluateJob {
  const { home, resourcesDir } = context;
  requireWeights(row);
  const written = readRecipe(row.recipe_json);
  // An imported run without data of its own is measured against the set it is shown on.
  const recipe = written.dataset === NO_DATASET ? { ...written, dataset: datasetId } : written;
  requireDataset(home.db, recipe.dataset);
  const dataset = requireDataset(home.db, datasetId);
  const isOwn = datasetId === recipe.dataset;
  const epochs = listEpochs(home.db, row.id);
  return {
    runId: row.id,
    runNumber: row.number,
    runName: row.name,
    recipe,
    task: readTask(row.task_json),
    runFolder: home.runFolder(row.id),
    imported: row.imported_json !== null,
    weightHashes: weightHashes(home.db, row.id),
    datasetFolder: home.datasetFolder(recipe.dataset),
    data: {
      id: dataset.id,
      name: dataset.name,
      folder: home.datasetFolder(datasetId),
      part: isOwn ? (part ?? 'validation') : 'all',
    },
    ceiling: false,
    resourcesDir,
    engine: engineOf(row)?.name ?? null,
    splitProof: splitProofOf(row),
    baselines: baselinesOf(row),
    terms: epochs[epochs.length - 1]?.terms ?? null,
  };
}

export interface EvaluateInput {
  readonly runId: string;
  readonly datasetId: string;
  readonly part?: EvaluationPart;
  readonly ceiling?: boolean;
}

/** Evaluates and stores. Leaving the loop or aborting cancels. */
export async function* evaluateEvents(
  context: EvaluationContext,
  { runId, datasetId, part, ceiling = false }: EvaluateInput,
  signal?: AbortSignal,
): AsyncGenerator<EvaluationEvent> {
  const job = { ...evaluateJob(context, requireRun(context.home.db, runId), datasetId, part), ceiling };
  if (ceiling) refuseTrainedWindows(job);
  for await (const event of workerEvents(context.workers, (client) => client.evaluate(job), signal)) {
    if (event.type === 'done' && context.home.access === 'owner') insertEvaluation(context.home.db, event.evaluation);
    yield event;
  }
}

/** The parts of a ceiling are fitted on the training windows: measured on them, it would say nothing. */
function refuseTrainedWindows({ recipe, data, runNumber }: EvaluateJob): void {
  if (data.id !== recipe.dataset || data.part === 'validation') return;
  throw new NextvecError('BAD_INPUT', `Run #${runNumber} has trained on these windows of ${data.name}.`, {
    remedy: 'Measure the ceiling on its validation windows or on another set.',
    details: { place: data.name },
  });
}

/** The newest stored evaluation of exactly this best checkpoint on this set, or null. */
function storedEvaluation(context: EvaluationContext, handle: string, datasetId: string): Evaluation | null {
  const row = requireRun(context.home.db, handle);
  const hasCheckpoint = row.best_json !== null || row.imported_json !== null;
  const part = datasetId === readRecipe(row.recipe_json).dataset ? 'validation' : 'all';
  const found = listEvaluations(context.home.db, row.id).find((e) => e.data.id === datasetId && e.data.part === part);
  return found && hasCheckpoint && found.evaluatedAt >= (row.ended_at_ms ?? Number.POSITIVE_INFINITY) ? found : null;
}

export async function* crossTest(
  context: EvaluationContext,
  runIds: readonly string[],
  datasetIds: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<WorkProgress | { type: 'cell'; cell: MatrixCell }> {
  const total = runIds.length * datasetIds.length;
  let done = 0;
  for (const runId of runIds) {
    for (const datasetId of datasetIds) {
      const name = `run #${requireRun(context.home.db, runId).number} on ${requireDataset(context.home.db, datasetId).name}`;
      yield { type: 'progress', phase: name, fraction: done / total };
      yield { type: 'cell', cell: await cellOf(context, runId, datasetId, signal) };
      done++;
    }
  }
}

const NO_BASELINES = Object.fromEntries(BASELINES.map((name) => [name, null])) as MatrixCell['baselines'];

/** A cell whose evaluation fails carries the error; the other cells are still computed. */
async function cellOf(
  context: EvaluationContext,
  runId: string,
  datasetId: string,
  signal?: AbortSignal,
): Promise<MatrixCell> {
  try {
    const found = await evaluation(context, runId, datasetId, undefined, signal);
    const { cosine, lift, baselines, verdicts } = found;
    return {
      runId,
      datasetId,
      cosine: cosine.mean,
      lift: lift.best,
      cosineInterval: cosineInterval(found),
      liftInterval: found.intervals?.lift.best ?? null,
      baselines,
      verdicts: verdicts.map((v) => v.code),
      error: '',
    };
  } catch (error) {
    if (!isNextvecError(error)) throw error;
    return {
      runId,
      datasetId,
      cosine: null,
      lift: null,
      cosineInterval: null,
      liftInterval: null,
      baselines: NO_BASELINES,
      verdicts: [],
      error: `${error.code}: ${error.message}`,
    };
  }
}

/** The stored evaluation if it is of the current best checkpoint, else a new one. */
export async function evaluation(
  context: EvaluationContext,
  runId: string,
  datasetId: string,
  progress: (event: WorkProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const stored = storedEvaluation(context, runId, datasetId);
  if (stored) return stored;
  for await (const event of evaluateEvents(context, { runId, datasetId }, signal)) {
    if (event.type === 'done') return event.evaluation;
    progress(event);
  }
  throw new NextvecError('INTERNAL', 'The evaluation ended without a result.');
}

export function compare(context: EvaluationContext, runIds: readonly string[]): RunComparison {
  const [base, ...others] = runIds;
  const differences = others.map((id) => pairedDifferences(context, id, base));
  return compareRuns(
    runIds.map((id) => comparableRun(context, id)),
    [null, ...differences],
  );
}
