/** ReduceLROnPlateau as PyTorch defines it: mode min, relative threshold, no cooldown, one call an epoch. Pure. */
import type { Schedule } from '#shared/domain/recipe/recipe.ts';
import type { TrainerState } from '#shared/domain/runs/training.ts';

export interface Rate {
  readonly lr: number;
  readonly scheduler: TrainerState['scheduler'];
}

/** PyTorch ignores changes of the rate smaller than this. */
const SMALLEST_CHANGE = 1e-8;

/** The rate of the next epoch, after one whose validation loss was `loss`. */
export function nextRate(schedule: Schedule, { lr, scheduler }: Rate, loss: number): Rate {
  if (schedule.kind === 'constant') return { lr, scheduler };
  const isBetter = scheduler.best === null || loss < scheduler.best * (1 - schedule.threshold);
  if (isBetter) return { lr, scheduler: { best: loss, badEpochs: 0 } };
  const badEpochs = scheduler.badEpochs + 1;
  if (badEpochs <= schedule.patience) return { lr, scheduler: { ...scheduler, badEpochs } };
  const reduced = lr * schedule.factor;
  return { lr: lr - reduced > SMALLEST_CHANGE ? reduced : lr, scheduler: { ...scheduler, badEpochs: 0 } };
}
