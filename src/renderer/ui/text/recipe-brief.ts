/** A short summary of a recipe for tables and menus: loss weights, epochs, batch size, learning rate. */
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_LABELS } from '#shared/domain/models/terms.ts';
import { formatInput } from './format.ts';

/** "MSE 0.5 + InfoNCE 0.5" */
export function lossBrief(recipe: Recipe): string {
  const used = TERMS.filter((term) => recipe.lambda[term] > 0);
  return used.map((term) => `${TERM_LABELS[term]} ${formatInput(recipe.lambda[term])}`).join(' + ');
}

/** "MSE 1 · relative · 20 ep · B 32 · lr 5e-4" */
export function recipeBrief(recipe: Recipe): string {
  const order = recipe.skip === 'positional' ? ' · by position' : '';
  const inputs = recipe.inputs === 'absolute' ? '' : ` · ${recipe.inputs}`;
  return `${lossBrief(recipe)}${order}${inputs} · ${recipe.epochs} ep · B ${recipe.batchSize} · lr ${formatInput(recipe.lr)}`;
}
