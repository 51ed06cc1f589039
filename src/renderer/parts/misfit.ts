/** Whether a run can read the windows of a data set. Pure. */
import type { Dataset } from '#shared/contract/datasets.ts';

/** Why a run trained on `own` cannot read the windows of `set`; empty when it can, or when `own` was deleted. */
export function misfit(own: Dataset | undefined, set: Dataset): string {
  if (!own || own.id === set.id) return '';
  if (set.D !== own.D) return `width ${set.D}, not ${own.D}`;
  return set.T === own.T ? '' : `${set.T} vectors a window, not ${own.T}`;
}
