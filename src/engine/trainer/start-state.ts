/** What a run begins with, and what it refuses to begin. */
import { TERMS, TERM_TABLE } from '#shared/domain/models/terms.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { emptySums } from './epoch-sums.ts';
import type { TrainerOptions } from './types.ts';

/** Before the first step. */
export function initialState({ seed, lr }: Pick<TrainerState, 'seed' | 'lr'>): TrainerState {
  return {
    version: 2,
    seed,
    epoch: 1,
    position: 0,
    step: 0,
    lr,
    scheduler: { best: null, badEpochs: 0 },
    stopping: { best: null, badEpochs: 0 },
    best: null,
    sums: emptySums(),
    durationMs: 0,
    trainMs: 0,
    rowsTrained: 0,
  };
}

/** Refuses what cannot be trained, with what to change. */
export function checkOptions({ model, train, validation, ood, settings, resumeFrom }: TrainerOptions): void {
  const { T, D } = model.spec;
  for (const [name, split] of Object.entries({ training: train, validation, OOD: ood })) {
    if (!split) continue;
    const { source, ids } = split;
    if (ids.length === 0) throw new RangeError(`The ${name} set has no windows. Choose another split or data set.`);
    if (source.T !== T || source.D !== D) {
      throw new RangeError(`The ${name} set has windows of ${source.T}×${source.D}, the model takes ${T}×${D}.`);
    }
  }
  const { batchSize, loss } = settings;
  const undefinedTerm = TERMS.find((term) => loss.weights[term] > 0 && batchSize < TERM_TABLE[term].minBatch);
  if (undefinedTerm) {
    const { lambdaLabel, minBatch } = TERM_TABLE[undefinedTerm];
    throw new RangeError(
      `${lambdaLabel} needs a batch of at least ${minBatch}, the recipe has ${batchSize}. Raise the batch size or set it to 0.`,
    );
  }
  if (resumeFrom && resumeFrom.seed !== settings.seed) {
    throw new RangeError(`The state to resume from was made with seed ${resumeFrom.seed}, not ${settings.seed}.`);
  }
  if (resumeFrom && resumeFrom.position > train.ids.length) {
    throw new RangeError('The state to resume from belongs to a larger training set: its position is past the end.');
  }
}
