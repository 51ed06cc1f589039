/** What makes a recipe unusable with its data sets, refused before a run is made. Doubts are `lint.ts`. */
import type { Dataset } from '#shared/contract/datasets.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { defaultSpec } from '#shared/domain/models.ts';
import { MODEL_SIZES, type Recipe } from '#shared/domain/recipe.ts';

export function checkRecipe(recipe: Recipe, dataset: Dataset, ood: Dataset | null): void {
  const refuse = (place: string, message: string, remedy: string): never => {
    throw new NextvecError('BAD_RECIPE', message, { remedy, details: { place } });
  };
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
  if (recipe.modelType !== 'amn' && (recipe.skip !== 'mean' || recipe.start !== 'random')) {
    refuse(
      recipe.skip === 'mean' ? 'start' : 'skip',
      `The positional skip path and the least-squares start are known for AMN only, not for ${recipe.modelType}.`,
      'Set skip to "mean" and start to "random", or choose AMN.',
    );
  }
  if (recipe.initFrom !== null && recipe.start !== 'random') {
    refuse('start', 'A run starts either from given weights or from least squares.', 'Set start to "random".');
  }
  const published = defaultSpec(recipe.modelType, 1, 1);
  const foreign = Object.keys(recipe.sizes ?? {}).find((name) => !(name in published));
  if (foreign !== undefined) {
    refuse(
      'sizes',
      `${recipe.modelType} has no size "${foreign}".`,
      `Its sizes: ${MODEL_SIZES.filter((name) => name in published).join(', ')}.`,
    );
  }
  if (dataset.T === 1 && recipe.lambda.directional > 0) {
    refuse(
      'lambda.directional',
      `The directional term compares with the vector before the last, and windows of "${dataset.name}" have one.`,
      'Set λ directional to 0.',
    );
  }
  if (recipe.batchSize === 1 && (recipe.lambda.moment > 0 || recipe.lambda.variance > 0)) {
    refuse(
      'batchSize',
      'Moment and variance are undefined for a batch of one row.',
      'Raise the batch size to at least 2, or set λ moment and λ variance to 0.',
    );
  }
}
