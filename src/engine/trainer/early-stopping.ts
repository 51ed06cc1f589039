/** When a run ends before its last epoch because it no longer gains. Pure. */
import type { EarlyStopping } from '#shared/domain/recipe/recipe.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import type { EpochMeasurement } from './epoch-evaluation.ts';

type Progress = TrainerState['stopping'];

/**
 * After an epoch: a gain is a cosine above the best so far by more than `minGain`. A lift over a baseline gains as its
 * cosine does, as the baseline is the same in every epoch.
 */
export function nextProgress({ on, minGain }: EarlyStopping, progress: Progress, measured: EpochMeasurement): Progress {
  const rows = on === 'off' ? null : measured[on];
  if (!rows) return progress;
  const hasGained = progress.best === null || rows.cosine > progress.best + minGain;
  return hasGained ? { best: rows.cosine, badEpochs: 0 } : { ...progress, badEpochs: progress.badEpochs + 1 };
}

/** Why the run ends; null: it goes on. */
export function stallReason({ on, patience, minGain }: EarlyStopping, { best, badEpochs }: Progress): string | null {
  if (on === 'off' || badEpochs < patience) return null;
  const rows = on === 'ood' ? 'OOD' : 'validation';
  const gain = minGain > 0 ? ` by more than ${minGain}` : '';
  return `Early stopping: the ${rows} cosine has not risen above ${best?.toFixed(4)}${gain} for ${badEpochs} ${badEpochs === 1 ? 'epoch' : 'epochs'}.`;
}
