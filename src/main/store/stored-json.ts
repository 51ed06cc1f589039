/** Recipes and epoch records as stored, by this or another version: what is absent is filled in, what is unknown is kept. */
import { DEFAULT_LAMBDA, NO_DATASET, RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { byTerm } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED, type EpochRecord } from '#shared/domain/runs/training.ts';

const DEFAULTS = RecipeSchema.parse({ dataset: NO_DATASET });
const NO_TERMS = byTerm(() => TERM_NOT_MEASURED);
const NO_NORMS = byTerm(() => null);

/** A field or λ that came later has its default, which is what the run did without it. */
export function readRecipe(json: string): Recipe {
  const stored = JSON.parse(json) as Recipe;
  return { ...DEFAULTS, ...stored, lambda: { ...DEFAULT_LAMBDA, ...stored.lambda } };
}

/** A term that came later was not measured. */
export function readEpochRecord(json: string): EpochRecord {
  const stored = JSON.parse(json) as EpochRecord;
  return {
    ...stored,
    terms: { ...NO_TERMS, ...stored.terms },
    partGradNorms: { ...NO_NORMS, ...stored.partGradNorms },
  };
}
