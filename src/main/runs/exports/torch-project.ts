/**
 * Writes a run as a PyTorch project: the program of resources/torch-project with the recipe, the initial weights, the
 * split, and where the data are. Runs in a data worker.
 */
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startParameters } from '#engine/start.ts';
import type { NamedTensors } from '#engine/types.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { hasField, RECIPE_FIELDS, valueAt } from '#shared/domain/recipe/recipe-fields.ts';
import { modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { openDataset, type Dataset } from '../../datasets/dataset.ts';
import { splitDataset, type DatasetSplit } from '../../datasets/split/split.ts';
import { asBytes } from '../../formats/columns/array-bytes.ts';
import { writeThenRename } from '../../formats/files/output-file.ts';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import type { TorchProjectJob } from '../../processes/jobs/torch-project.ts';
import { initialWeights } from '../../weights/model-weights.ts';
import { stateDict } from './export-model.ts';

/** The program, below the resources. */
const PROGRAM = 'torch-project';

export async function exportTorchProject(job: TorchProjectJob): Promise<void> {
  using dataset = openDataset(job.dataset);
  using ood = job.ood === null ? null : openDataset(job.ood);
  const split = splitDataset(dataset, job.recipe.split, job.recipe.seed);
  const spec = modelSpec(job.recipe, dataset.T, dataset.D) as GradientSpec;
  const parameters = await initialParameters(job, spec, dataset, split);
  await rm(job.target, { recursive: true, force: true });
  await writeThenRename(job.target, (folder) => writeProject(folder, job, { dataset, ood, split, spec, parameters }));
}

/** The weights of the run before its first step. */
async function initialParameters(
  { recipe, initFile }: TorchProjectJob,
  spec: GradientSpec,
  dataset: Dataset,
  { train }: DatasetSplit,
): Promise<NamedTensors> {
  if (initFile !== null) return initialWeights(initFile, spec);
  return startParameters(recipe.start, spec, recipe.seed, { source: await dataset.source(), ids: train });
}

interface Project {
  readonly dataset: Dataset;
  readonly ood: Dataset | null;
  readonly split: DatasetSplit;
  readonly spec: GradientSpec;
  readonly parameters: NamedTensors;
}

async function writeProject(folder: string, job: TorchProjectJob, project: Project): Promise<void> {
  const { dataset, ood, split, spec, parameters } = project;
  const program = join(job.resourcesDir, PROGRAM);
  await mkdir(folder);
  for (const name of await readdir(program)) {
    if (/\.(py|md)$/.test(name)) await copyFile(join(program, name), join(folder, name));
  }
  const facts = {
    model: spec,
    data: storedFiles(dataset),
    ood: ood && storedFiles(ood),
    args: argumentPaths(spec, job.recipe),
  };
  await writeFile(join(folder, 'recipe.json'), job.recipeText);
  await writeFile(join(folder, 'project.json'), `${JSON.stringify(facts, null, 2)}\n`);
  await writeFile(join(folder, 'train.bin'), asBytes(split.train));
  await writeFile(join(folder, 'validation.bin'), asBytes(split.val));
  await writeFile(join(folder, 'initial.safetensors'), encodeSafetensors(stateDict({ spec, parameters })));
}

/** What the program needs to map `vectors.bin` and `windows.bin` into memory. */
function storedFiles({ folder, windows, meta: { vectors, dtype } }: Dataset) {
  return { folder, vectors, windows, dtype };
}

/** Where in the recipe the value of each command-line argument stands, e.g. lambda_mse: lambda.mse. `import-run` reads them. */
function argumentPaths({ type }: GradientSpec, recipe: Recipe): Record<string, string> {
  const fields = RECIPE_FIELDS.filter((field) => hasField(type, field) && valueAt(recipe, field.path) !== undefined);
  return Object.fromEntries(fields.map(({ flag, path }) => [flag.slice(2).replaceAll('-', '_'), path]));
}
