/** A recipe file taken into the form: its recipe, on the data of this history that it means. Starts nothing. */
import { open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { parseRecipeFile, type DataReference } from '#shared/domain/recipe-file.ts';
import type { Recipe } from '#shared/domain/recipe.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { Services } from '../rpc/context.ts';
import { listDatasets } from '../store/datasets.ts';

/** A recipe is a page of text; what is larger is something else. */
const MOST_BYTES = 1 << 20;

export interface ReadRecipe {
  readonly recipe: Recipe;
  readonly fileName: string;
  /** What the file names and is not here, one sentence each. */
  readonly notes: string[];
}

export async function readRecipeFile({ home }: Services, path: string, base: Recipe): Promise<ReadRecipe> {
  const fileName = basename(path);
  const { recipe, data, ood } = parseRecipeFile(await readText(resolve(path), fileName), fileName);
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

async function readText(path: string, fileName: string): Promise<string> {
  const handle = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE';
    throw new NextvecError(code, `The recipe file ${fileName} cannot be read (${cause.code}).`, {
      cause,
      details: { place: path },
    });
  });
  try {
    const info = await handle.stat();
    if (info.isFile() && info.size <= MOST_BYTES) return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
  throw new NextvecError('BAD_RECIPE', `${fileName} is too large to be a recipe file, or no file.`, {
    remedy: 'Choose the JSON file that "Export: Recipe as a file" wrote.',
    details: { place: path },
  });
}
