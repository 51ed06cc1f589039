/** A recipe file taken into the form: its recipe, on the data of this history that it means. Starts nothing. */
import { basename, resolve } from 'node:path';
import { parseRecipeFile, type DataReference } from '#shared/domain/recipe/recipe-file.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { Services } from '../rpc/context.ts';
import { readJsonFile } from '../formats/json-file.ts';
import { listDatasets } from '../store/datasets.ts';

export interface ReadRecipe {
  readonly recipe: Recipe;
  readonly fileName: string;
  /** What the file names and is not here, one sentence each. */
  readonly notes: string[];
}

export async function readRecipeFile({ home }: Services, path: string, base: Recipe): Promise<ReadRecipe> {
  const fileName = basename(path);
  const { recipe, data, ood } = parseRecipeFile(readJsonFile(resolve(path), 'BAD_RECIPE'), fileName);
  const known = listDatasets(home.db);
  const notes: string[] = [];
  const idOf = (reference: DataReference | null, label: string): string | null => {
    const found = reference && datasetOf(known, reference);
    if (reference && !found) notes.push(`${label} ${reference.name} is not imported here: choose one in the form.`);
    return found?.id ?? null;
  };
  const dataset = idOf(data, 'The data set') ?? base.dataset;
  const oodId = idOf(ood, 'The OOD set') ?? (ood === null && data !== null ? null : base.ood);
  return { recipe: { ...recipe, dataset, ood: oodId === dataset ? null : oodId }, fileName, notes };
}

/** By content, else by name. */
function datasetOf(known: readonly Dataset[], { sha256, name }: DataReference): Dataset | undefined {
  const same = known.find(({ passport }) => passport.sha256 === sha256);
  return same ?? known.find((dataset) => dataset.name === name);
}
