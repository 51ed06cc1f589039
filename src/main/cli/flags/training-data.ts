/** The data sets of `train`: those of its flags, else those of its recipe file. */
import type { Dataset } from '#shared/contract/datasets.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import { isSameTask, taskOf, taskText, type Task } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { datasetsMeant, type DataReference } from '#shared/domain/recipe/recipe-file.ts';
import { nameList } from '#shared/domain/short-text.ts';
import type { TaskOptions } from './chunk-flags.ts';
import { findDataset } from '../handles.ts';
import type { Output } from '../output.ts';
import { readRecipeFile, type FlagValues } from './recipe-flags.ts';

export interface DataFlags extends FlagValues {
  readonly data?: string;
  readonly ood?: string;
}

type Role = 'train' | 'ood';

const FLAGS: Readonly<Record<Role, string>> = { train: '--data', ood: '--ood' };

/** A data set as `findDataset` is asked for it. */
interface Wanted {
  readonly handle: string;
  /** That the recipe was for; null: not known, or the set is that of a flag. */
  readonly task: Task | null;
}

/** Throws BAD_INPUT where nothing names the training data, CONFLICT where the recipe file may mean several sets. */
export async function trainingData(
  client: NextvecClient,
  flags: DataFlags,
  options: TaskOptions,
  out: Output,
  signal: AbortSignal,
): Promise<{ data: Dataset; ood: Dataset | null }> {
  const file = typeof flags.recipe === 'string' ? readRecipeFile(flags.recipe) : null;
  const known = await client.datasets.list();
  const wantedOf = (role: Role, handle: string | undefined, reference: DataReference | null): Wanted | null => {
    if (handle !== undefined) return { handle, task: null };
    return reference && wantedByRecipe(known, { ...reference, task: changedTask(reference.task, options) }, role);
  };
  const wanted = wantedOf('train', flags.data, file?.data ?? null);
  const wantedOod = wantedOf('ood', flags.ood, file?.ood ?? null);
  if (wanted === null) {
    throw new NextvecError('BAD_INPUT', 'Neither --data nor the recipe names the training data.', {
      remedy: 'Add --data with a file, an imported data set, or "sample".',
    });
  }
  const find = async ({ handle, task }: Wanted, role: Role): Promise<Dataset> => {
    const dataset = await findDataset(client, handle, out, signal, { role, task: options });
    if (task === null || isSameTask(taskOf(dataset.passport), task)) return dataset;
    throw otherTask(dataset, task, role);
  };
  return { data: await find(wanted, 'train'), ood: wantedOod && (await find(wantedOod, 'ood')) };
}

/** The set of the same file and task, else the file it came from, else the set of the same name. */
function wantedByRecipe(known: readonly Dataset[], reference: DataReference, role: Role): Wanted {
  const { name, file, task } = reference;
  const meant = datasetsMeant(known, reference);
  if (meant.length <= 1) return { handle: meant[0]?.id ?? file ?? name, task };
  const names = nameList(meant.map((set) => `${set.name} (${set.id})`));
  throw new NextvecError(
    'CONFLICT',
    `The recipe names ${name}, and ${meant.length} data sets are of its file: ${names}.`,
    {
      remedy: `Name the one that is meant with ${FLAGS[role]}.`,
    },
  );
}

/** The task with what the flags say in its place. */
function changedTask(task: Task | null, { contextLength, history }: TaskOptions): Task | null {
  return task && { context: contextLength ?? task.context, history: history ?? task.history };
}

function otherTask({ name, passport }: Dataset, task: Task, role: Role): NextvecError {
  const message = `${name} has windows of ${taskText(taskOf(passport))}, the recipe is for ${taskText(task)}.`;
  return new NextvecError('BAD_INPUT', message, {
    remedy: `Import its file with the windows of the recipe, or name other data with ${FLAGS[role]}.`,
  });
}
