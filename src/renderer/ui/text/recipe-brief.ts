/** A short summary of a recipe for tables and menus: loss weights or parts, epochs, batch size, learning rate. */
import { modelRow } from '#shared/domain/models/models.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_LABELS } from '#shared/domain/models/terms.ts';
import { formatInput, plural } from './format.ts';

/** "MSE 0.5 + InfoNCE 0.5" */
function lossBrief(recipe: Recipe): string {
  const used = TERMS.filter((term) => recipe.lambda[term] > 0);
  return used.map((term) => `${TERM_LABELS[term]} ${formatInput(recipe.lambda[term])}`).join(' + ');
}

/** "all parts", "no neighbours, no turned windows, 1 earlier run" */
function fitBrief({ gram, parts }: Recipe): string {
  const missing = [
    gram.neighbours === 'off' ? 'no neighbours' : '',
    gram.filters === 'off' ? 'no filters' : '',
    gram.turned === 'off' ? 'no turned windows' : '',
  ].filter(Boolean);
  const own = missing.length === 0 ? 'all parts' : missing.join(', ');
  return parts.length === 0 ? own : `${own}, ${plural(parts.length, 'earlier run')}`;
}

/** "MSE 1 · relative · turned" */
function gradientBrief(recipe: Recipe): string {
  const order = recipe.skip === 'positional' ? ' · by position' : '';
  const inputs = recipe.inputs === 'absolute' ? '' : ` · ${recipe.inputs}`;
  const turned = recipe.augment.isometry > 0 ? ' · turned' : '';
  return `${lossBrief(recipe)}${order}${inputs}${turned}`;
}

/** "MSE 1 · relative · 20 ep · B 32 · lr 5e-4" */
export function recipeBrief(recipe: Recipe): string {
  const what = modelRow(recipe.modelType).training === 'fit' ? fitBrief(recipe) : gradientBrief(recipe);
  return `${what} · ${recipe.epochs} ep · B ${recipe.batchSize} · lr ${formatInput(recipe.lr)}`;
}
