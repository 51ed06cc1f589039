/** Differences of runs that were measured on the same windows, paired over their articles. */
import { pairedDifference } from '#engine/evaluation/run-intervals.ts';
import type { PairedDifference } from '#shared/domain/evaluation/comparison.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { cosineSums } from '../store/cosine-sums.ts';
import { requireRun } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';
import type { EvaluationContext } from './context.ts';

/** The cosines of run `handle` minus those of run `other`. */
export function pairedDifferences(
  { home: { db } }: Pick<EvaluationContext, 'home'>,
  handle: string,
  other: string,
): PairedDifference {
  const [run, base] = [handle, other].map((id) => {
    const row = requireRun(db, id);
    return { recipe: readRecipe(row.recipe_json), sums: cosineSums(db, row.id) };
  });
  const { seed } = base.recipe;
  const difference = (part: 'validation' | 'ood') => {
    const [a, b] = [run.sums?.[part], base.sums?.[part]];
    return a && b ? pairedDifference(a, b, seed) : null;
  };
  return {
    validation: haveSameValidation(run.recipe, base.recipe) ? difference('validation') : null,
    ood: run.recipe.ood === base.recipe.ood ? difference('ood') : null,
  };
}

/** Excluded articles are left out of training only. */
function haveSameValidation(a: Recipe, b: Recipe): boolean {
  const { kind, validationShare } = a.split;
  return (
    a.dataset === b.dataset && a.seed === b.seed && kind === b.split.kind && validationShare === b.split.validationShare
  );
}
