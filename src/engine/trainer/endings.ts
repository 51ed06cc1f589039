/** How a run ends that does not reach its last epoch, in words for a person. */
import { TERMS, type LossConfig } from '#shared/domain/models/terms.ts';
import type { EpochRecord, Finished } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { EngineFailure } from '../failure.ts';
import type { StepStats } from '../types.ts';
import type { EpochMeasurement } from './epoch-evaluation.ts';

export type Ending = Pick<Finished, 'status' | 'reason'>;

/** The run cannot continue; the message is shown to the user. */
export class RunFailure extends Error {}

/** `next`: where the run goes on after a failure of the engine. */
export function endingOf(error: unknown, next: string): Ending {
  if (error instanceof EngineFailure) {
    return { status: 'interrupted', reason: `${error.message} ${next} ${error.remedy}` };
  }
  return { status: 'failed', reason: messageOf(error) };
}

/** `checkpointStep`: step of the newest checkpoint; null: there is none. */
export function nextAfterStep({ epoch, step }: TrainerState, checkpointStep: number | null): string {
  const next =
    checkpointStep === null
      ? 'There is no checkpoint yet: when resumed, the run begins again.'
      : `The checkpoint of step ${checkpointStep} is intact: when resumed, the run goes on from there.`;
  return `The last step was ${step}, in epoch ${epoch}. ${next}`;
}

/** `loss`: what the step was computed with. */
export function lossNotFinite(stats: StepStats, { epoch, step, lr }: TrainerState, loss: LossConfig): RunFailure {
  const guilty = TERMS.filter((term, k) => loss.weights[term] > 0 && !Number.isFinite(stats.values[k]));
  const what = guilty.length > 0 ? `terms ${guilty.join(', ')}` : 'the gradient';
  return new RunFailure(
    `The loss is no longer a finite number at step ${step} (epoch ${epoch}): ${what}. ` +
      `Lower the learning rate (${lr}), raise τ (${loss.tau}) or look for rows of zeros or NaN in the data; ` +
      'the last checkpoint before this step is intact.',
  );
}

export function predictionsNotFinite(
  { epoch }: EpochRecord,
  { validation, ood }: Pick<EpochMeasurement, 'validation' | 'ood'>,
): RunFailure {
  return new RunFailure(
    `Predictions are not finite numbers after epoch ${epoch}: ${validation.nonFiniteRows} of ${validation.rows} validation rows` +
      `${ood ? ` and ${ood.nonFiniteRows} of ${ood.rows} OOD rows` : ''}. Check these rows for NaN or Inf, or lower the learning rate.`,
  );
}
