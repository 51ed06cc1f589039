/** Learning-rate schedules as PyTorch defines them (torch.optim.lr_scheduler, 2.x). Pure. */
import type { Schedule } from '#shared/domain/recipe/recipe.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';

export interface Rate {
  readonly lr: number;
  readonly scheduler: TrainerState['scheduler'];
}

/** PyTorch ignores changes of the rate smaller than this. */
const SMALLEST_CHANGE = 1e-8;

/**
 * ReduceLROnPlateau: mode min, relative threshold, no cooldown, one call an epoch. The rate of the next epoch, after one
 * whose validation loss was `loss`; the other schedules do not look at the loss.
 */
export function nextRate(schedule: Schedule, { lr, scheduler }: Rate, loss: number): Rate {
  if (schedule.kind !== 'plateau') return { lr, scheduler };
  const isBetter = scheduler.best === null || loss < scheduler.best * (1 - schedule.threshold);
  if (isBetter) return { lr, scheduler: { best: loss, badEpochs: 0 } };
  const badEpochs = scheduler.badEpochs + 1;
  if (badEpochs <= schedule.patience) return { lr, scheduler: { ...scheduler, badEpochs } };
  const reduced = lr * schedule.factor;
  return { lr: lr - reduced > SMALLEST_CHANGE ? reduced : lr, scheduler: { ...scheduler, badEpochs: 0 } };
}

type Cosine = Extract<Schedule, { kind: 'cosine' }>;

/** Steps of a whole run. */
interface RunLength {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

/**
 * Part of the learning rate that step `step` (1-based) is taken with. W steps of warm-up, then half a cosine down to `floor`:
 * SequentialLR of LinearLR(start_factor=1/(W+1), total_iters=W) and CosineAnnealingLR(T_max=S−W, eta_min=floor·lr), S steps in all.
 */
export function cosineFactor({ warmUp, floor }: Cosine, { epochs, stepsPerEpoch }: RunLength, step: number): number {
  const warmUpSteps = Math.round(warmUp * stepsPerEpoch);
  const done = step - 1;
  if (done < warmUpSteps) return (done + 1) / (warmUpSteps + 1);
  const progress = (done - warmUpSteps) / (epochs * stepsPerEpoch - warmUpSteps);
  return floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
}
