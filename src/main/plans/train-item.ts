/** A training run of a plan: started or resumed, then judged by its gates when it has finished. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { hasEnded, planTag } from '#shared/domain/runs/run-kinds.ts';
import { isNextvecError, toErrorData } from '#shared/domain/errors.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { itemRecipe, judge, type PlanSpec, type TrainItem } from '#shared/domain/plans/plans.ts';
import { codeOf } from '#shared/domain/thrown.ts';
import { inTransaction } from '../store/database.ts';
import { listGates } from '../store/history.ts';
import { putTry, updateItem, type ItemChanges, type ItemRow } from '../store/plans.ts';
import { endingWords, figuresOf, runSummary, type PlanContext } from './context.ts';

const NAME_LIMIT = 200;

export interface WorkItem<I> {
  readonly row: ItemRow;
  readonly item: I;
  readonly spec: PlanSpec;
  /** Paused by a person, by itself or with its plan: nothing is started or resumed. */
  readonly isHeld: boolean;
}

/**
 * A sentence for the history: why an item could not continue. Rethrows faults of disk and database, after which the
 * same step is tried again; anything else ends the item, so that no fault can stop the queue.
 */
export function failureReason(error: unknown): string {
  if (isSystemFault(error)) throw error;
  if (!isNextvecError(error)) console.error(error);
  const { message, remedy } = toErrorData(error);
  return [message, remedy].filter(Boolean).join(' ');
}

function isSystemFault(error: unknown): boolean {
  if (isNextvecError(error) || !(error instanceof Error)) return false;
  return ('errno' in error && typeof error.errno === 'number') || codeOf(error)?.startsWith('SQLITE_') === true;
}

export function beginTraining(context: PlanContext, { row, item, spec }: WorkItem<TrainItem>): void {
  const { home, runs } = context;
  const started: ItemChanges = { status: 'running', reason: '', startedAt: Date.now(), endedAt: null };
  const earlier = runSummary(context, row.runId);
  try {
    if (earlier !== null && earlier.status !== 'finished') {
      if (runs.isStopping(earlier.id)) return;
      updateItem(home.db, row.id, started);
      if (hasEnded(earlier.status)) runs.resume(earlier.id);
      return;
    }
    const recipe = itemRecipe(spec, item);
    const name = `${spec.name}: ${MODEL_LABELS[recipe.modelType]}`.slice(0, NAME_LIMIT);
    // Together: a program killed in between must not train the item twice.
    inTransaction(home.db, () => {
      const runId = runs.start(recipe, name, [planTag(row.planId)], { on: spec.on });
      updateItem(home.db, row.id, { ...started, runId });
    });
  } catch (error) {
    updateItem(home.db, row.id, { status: 'failed', reason: failureReason(error), endedAt: Date.now() });
  }
}

/** Outcome of the run; undefined while it is live. */
export function followTraining(context: PlanContext, { row, item, isHeld }: WorkItem<TrainItem>): void {
  const run = runSummary(context, row.runId);
  if (run === null) {
    endItem(context, row, null, { status: 'failed', reason: 'Its run was deleted. Retry trains it again.' });
    return;
  }
  if (!hasEnded(run.status)) return;
  if (run.status === 'interrupted' && (isHeld || context.resumeInterrupted(run.id, null))) return;
  endItem(context, row, run, outcome(context, item, run));
}

function outcome({ home }: PlanContext, item: TrainItem, run: RunSummary): Ending {
  if (run.status === 'finished') return verdict(item, run);
  const gate = listGates(home.db, run.id).find(
    ({ gate: { action }, passed, epoch }) => !passed && action === 'stop' && epoch === run.epoch,
  );
  return gate
    ? { status: 'missed', reason: `Run #${run.number}: ${gate.message}` }
    : { status: 'failed', reason: endingWords(run) };
}

/** A finished run against the item's gates. */
export function verdict(item: TrainItem, run: RunSummary): Ending {
  const { passed, messages } = judge(item.gates, figuresOf(run), run.best?.intervals);
  const figures = messages.join('; ');
  if (passed) return { status: 'done', reason: figures === '' ? '' : `Gates passed: ${figures}.` };
  return { status: 'missed', reason: `Run #${run.number} misses its gate: ${figures}.` };
}

interface Ending {
  readonly status: 'done' | 'missed' | 'failed';
  readonly reason: string;
}

export function endItem({ home }: PlanContext, row: ItemRow, run: RunSummary | null, ending: Ending): void {
  const at = Date.now();
  inTransaction(home.db, () => {
    updateItem(home.db, row.id, { ...ending, endedAt: at });
    if (run !== null) putTry(home.db, row.id, { runId: run.id, at, ...ending });
  });
}
