/** Whether a run can read the windows of a data set. Pure. */
import type { Dataset } from '#shared/contract/datasets.ts';
import { isSameTask, taskOf, taskText } from '#shared/domain/datasets/task.ts';

/** Why a run trained on `own` cannot read the windows of `set`; empty when it can, or when `own` was deleted. */
export function misfit(own: Dataset | undefined, set: Dataset): string {
  if (!own || own.id === set.id) return '';
  if (set.D !== own.D) return `width ${set.D}, not ${own.D}`;
  const [theirs, wanted] = [set, own].map(({ passport }) => taskOf(passport));
  return isSameTask(theirs, wanted) ? '' : `${taskText(theirs)}, not ${taskText(wanted)}`;
}
