/** Reads a recipe for the form: from a recipe file, on this history's data, or from a pasted command line. */
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { applyChanges, parseCommandLine } from '#shared/domain/recipe/command-line.ts';
import { nameWithTask } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { datasetsMeant, hasTaskOf, parseRecipeFile, type DataReference } from '#shared/domain/recipe/recipe-file.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import { readJsonFile } from '../formats/files/json-file.ts';
import type { Db } from '../store/database.ts';
import { listDatasets } from '../store/datasets.ts';

export interface ReadRecipe {
  readonly recipe: Recipe;
  readonly fileName: string;
  /** One sentence for each data set of the file that is not imported here, or more than once. */
  readonly notes: string[];
}

export async function readRecipeFile(db: Db, path: string, base: Recipe): Promise<ReadRecipe> {
  const fileName = basename(path);
  const { recipe, data, ood } = parseRecipeFile(readJsonFile(resolve(path), 'BAD_RECIPE'), path);
  const known = listDatasets(db);
  const notes: string[] = [];
  const idOf = (reference: DataReference | null, label: string): string | null => {
    if (reference === null) return null;
    const [first, ...others] = candidates(known, reference);
    if (first !== undefined && others.length === 0) return first.id;
    const why = first === undefined ? 'is not imported here' : 'is imported more than once';
    notes.push(`${label} ${nameWithTask(reference.name, reference.task)} ${why}: choose one in the form.`);
    return null;
  };
  const dataset = idOf(data, 'The data set') ?? base.dataset;
  const oodId = idOf(ood, 'The OOD set') ?? (ood === null && data !== null ? null : base.ood);
  return { recipe: { ...recipe, dataset, ood: oodId === dataset ? null : oodId }, fileName, notes };
}

/** Of the same file, else of the same name; with the task of the reference. */
function candidates(known: readonly Dataset[], reference: DataReference): Dataset[] {
  const meant = datasetsMeant(known, reference);
  if (meant.length > 0) return meant;
  return known.filter((dataset) => dataset.name === reference.name && hasTaskOf(dataset, reference));
}

export interface ReadCommandLine {
  readonly recipe: Recipe;
  readonly unknownFlags: string[];
  readonly notes: string[];
}

/** Lays a pasted command line over `base`. Its data flags only become notes: the form names the data. Throws BAD_RECIPE. */
export function readCommandLine(text: string, base: Recipe): ReadCommandLine {
  try {
    const { changes, data, ood, unknown } = parseCommandLine(text);
    const notes: string[] = [];
    if (data !== null) notes.push(`--data ${data}: choose the data set in the form.`);
    if (ood !== null) notes.push(`--ood ${ood}: choose the OOD set in the form.`);
    // Whether the recipe needs an OOD set is checked with that of the command line; the form says so until one is chosen.
    const recipe = applyChanges({ ...base, ood: base.ood ?? ood }, changes);
    return { recipe: { ...recipe, ood: base.ood }, unknownFlags: [...unknown], notes };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new NextvecError('BAD_RECIPE', z.prettifyError(error), {
      remedy: 'Correct the value in the command line.',
      details: { place: error.issues[0]?.path.join('.') ?? null },
      cause: error,
    });
  }
}
