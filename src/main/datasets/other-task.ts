/** Refuses windows that ask something else than those a run was trained on, though they may be of the same shape. */
import { NextvecError } from '#shared/domain/errors.ts';
import { taskOf, taskText, type Task } from '#shared/domain/datasets/task.ts';
import type { Dataset } from './dataset.ts';

/** Throws BAD_INPUT where one of the two reads history and the other none, or another one. `task` null: not known. */
export function refuseOtherTask(
  { meta }: Pick<Dataset, 'meta'>,
  name: string,
  { runNumber, task }: { readonly runNumber: number; readonly task: Task | null },
): void {
  const theirs = taskOf(meta.passport);
  if (task === null || task.history === theirs.history) return;
  const history = task.history === null ? 'without history' : `with --history ${task.history}`;
  throw new NextvecError(
    'BAD_INPUT',
    `${name} has windows of ${taskText(theirs)}; run #${runNumber} solves another task, it reads ${taskText(task)}.`,
    { remedy: `Import the chunks of ${name} ${history}.`, details: { place: name } },
  );
}
