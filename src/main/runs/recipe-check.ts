/** Errors of a recipe with its data sets, found before a run is made. Not here: warnings (`lint.ts`). */
import type { Dataset } from '#shared/contract/datasets.ts';
import { isSameTask, taskOf, taskText } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { modelRow, modelsThat } from '#shared/domain/models/models.ts';
import { recipeSizesProblem, unknownTerms, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_LABELS, TERM_TABLE } from '#shared/domain/models/terms.ts';
import type { Db } from '../store/database.ts';
import { requireDataset } from '../store/datasets.ts';

export interface RecipeSets {
  readonly dataset: Dataset;
  readonly ood: Dataset | null;
}

/** The data sets that a recipe names. Throws NOT_FOUND where one is gone, BAD_RECIPE where it cannot be trained on them. */
export function checkedSets(db: Db, recipe: Recipe): RecipeSets {
  const dataset = requireDataset(db, recipe.dataset);
  const ood = recipe.ood === null ? null : requireDataset(db, recipe.ood);
  checkRecipe(recipe, dataset, ood);
  return { dataset, ood };
}

/** Throws BAD_RECIPE naming the field at fault. */
export function checkRecipe(recipe: Recipe, dataset: Dataset, ood: Dataset | null): void {
  checkData(dataset, ood);
  checkModel(recipe);
  checkTerms(recipe, dataset);
}

function refuse(place: string, message: string, remedy: string): never {
  throw new NextvecError('BAD_RECIPE', message, { remedy, details: { place } });
}

function checkData(dataset: Dataset, ood: Dataset | null): void {
  if (dataset.windows < 2) {
    refuse(
      'dataset',
      `"${dataset.name}" has ${dataset.windows} windows; a split needs at least 2.`,
      'Choose a larger data set.',
    );
  }
  if (ood !== null && (ood.T !== dataset.T || ood.D !== dataset.D)) {
    refuse(
      'ood',
      `The OOD set "${ood.name}" has windows of ${ood.T}×${ood.D}, "${dataset.name}" of ${dataset.T}×${dataset.D}.`,
      'Choose an OOD set of the same context length and vector width.',
    );
  }
  if (ood !== null && !isSameTask(taskOf(ood.passport), taskOf(dataset.passport))) {
    refuse(
      'ood',
      `The OOD set "${ood.name}" has windows of ${taskText(taskOf(ood.passport))}, "${dataset.name}" of ${taskText(taskOf(dataset.passport))}.`,
      'Import the chunks of both with the same context length and history.',
    );
  }
}

function checkModel(recipe: Recipe): void {
  const { label, skips, starts } = modelRow(recipe.modelType);
  if (!skips.includes(recipe.skip)) {
    const others = modelsThat((row) => row.skips.includes(recipe.skip));
    refuse('skip', `${label} has no ${recipe.skip} skip path.`, `Set skip to "${skips[0]}", or choose ${others}.`);
  }
  if (!starts.includes(recipe.start)) {
    const others = modelsThat((row) => row.starts.includes(recipe.start));
    refuse('start', `${label} cannot start from ${recipe.start}.`, `Set start to "${starts[0]}", or choose ${others}.`);
  }
  if (recipe.initFrom !== null && recipe.start !== 'random') {
    refuse('start', 'A run starts either from given weights or from least squares.', 'Set start to "random".');
  }
  if (modelRow(recipe.modelType).training === 'fit') checkFit(recipe);
  else if (recipe.parts.length > 0)
    refuse('parts', `${label} has no parts.`, 'Leave them out, or choose the Gram mixture.');
  const problem = recipeSizesProblem(recipe);
  if (problem !== null) refuse('sizes', problem.message, problem.remedy);
}

/** What only models that train by gradient steps have. */
function checkFit({ modelType, engine, initFrom, inputs, augment }: Recipe): void {
  const { label } = modelRow(modelType);
  if (initFrom !== null)
    refuse('initFrom', `${label} is fitted to its data; it starts from no weights.`, 'Leave out the weights.');
  if (engine !== 'auto' && engine !== 'simd' && engine !== 'webgpu')
    refuse(
      'engine',
      `${label} is fitted by simd, or by simd and webgpu together, not by ${engine}.`,
      'Set engine to "auto", "simd" or "webgpu".',
    );
  if (inputs !== 'absolute')
    refuse('inputs', `${label} reads the vectors themselves, not ${inputs} ones.`, 'Set inputs to "absolute".');
  if (augment.isometry > 0)
    refuse(
      'augment.isometry',
      `${label} turns copies for its gate only.`,
      'Set augment to 0 and "gram.turned" to "on".',
    );
}

function checkTerms(recipe: Recipe, dataset: Dataset): void {
  const [unknown] = unknownTerms(recipe.lambda);
  if (unknown !== undefined) {
    refuse(
      `lambda.${unknown}`,
      `This version of Nextvec has no loss term "${unknown}".`,
      `Set its λ to 0, or train with the version that wrote the recipe. Terms: ${TERMS.join(', ')}.`,
    );
  }
  const trained = TERMS.filter((term) => recipe.lambda[term] > 0);
  const needsContext = trained.find((term) => dataset.T < TERM_TABLE[term].minContext);
  if (needsContext) {
    const { label, lambdaLabel, minContext } = TERM_TABLE[needsContext];
    refuse(
      `lambda.${needsContext}`,
      `${label} needs a context of at least ${minContext} vectors; windows of "${dataset.name}" have ${dataset.T}.`,
      `Set ${lambdaLabel} to 0.`,
    );
  }
  const needsBatch = trained.filter((term) => recipe.batchSize < TERM_TABLE[term].minBatch);
  if (needsBatch.length > 0) {
    refuse(
      'batchSize',
      `${needsBatch.map((term) => TERM_LABELS[term]).join(' and ')} cannot be computed for a batch of ${recipe.batchSize}.`,
      `Raise the batch size to at least 2, or set ${needsBatch.map((term) => TERM_TABLE[term].lambdaLabel).join(' and ')} to 0.`,
    );
  }
}
