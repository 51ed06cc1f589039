/** How the trainer's events change a run's row. */
import type { TrainerEvent } from '#shared/contract/trainer.ts';
import type { EpochRecord, Finished, StepBlock } from '#shared/domain/runs/training.ts';
import type { RunChanges } from '../../store/runs.ts';
import type { RunClock } from './run-clock.ts';

export type EventOf<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;

export function preparedChanges({ engine, splitProof }: EventOf<'prepared'>): RunChanges {
  return { engine_json: JSON.stringify(engine), split_proof_json: JSON.stringify(splitProof) };
}

/** Steps of the whole run. */
export function totalSteps({ epochs, stepsPerEpoch }: EventOf<'started'>): number {
  return epochs * stepsPerEpoch;
}

export function startedChanges(event: EventOf<'started'>, hasOod: boolean): RunChanges {
  return {
    parameters: event.parameters,
    train_rows: event.trainRows,
    val_rows: event.valRows,
    ood_rows: hasOod ? event.oodRows : null,
    total_steps: totalSteps(event),
    epoch: event.epoch,
    step: event.step,
  };
}

export function stepChanges({ epoch, rowsPerSecond }: StepBlock, { step, durationMs }: RunClock): RunChanges {
  return { epoch, step, rows_per_second: rowsPerSecond, duration_ms: durationMs };
}

export function epochChanges(record: EpochRecord, { durationMs }: RunClock): RunChanges {
  const { epoch, step } = record;
  const changes: RunChanges = { epoch, step, duration_ms: durationMs, rows_per_second: record.rowsPerSecond };
  if (!record.isBest) return changes;
  const { valLoss, valCosine, oodCosine, intervals } = record;
  return { ...changes, best_json: JSON.stringify({ epoch, step, valLoss, valCosine, oodCosine, intervals }) };
}

export function finishedChanges({ epoch, step, best, durationMs, rowsPerSecond }: Finished): RunChanges {
  return {
    epoch,
    step,
    best_json: best === null ? null : JSON.stringify(best),
    duration_ms: durationMs,
    rows_per_second: rowsPerSecond,
  };
}
