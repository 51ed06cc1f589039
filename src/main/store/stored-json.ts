/** Values stored as JSON; recipes and epoch records as stored, by this or another version: what is absent is filled in, what is unknown is kept. */
import { TaskSchema, type Task } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { DEFAULT_LAMBDA, NO_DATASET, RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { byTerm } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED, type EpochRecord } from '#shared/domain/runs/training.ts';
import { messageOf } from '#shared/domain/thrown.ts';

const { dataset: _none, ...DEFAULTS } = RecipeSchema.parse({ dataset: NO_DATASET });
const NO_TERMS = byTerm(() => TERM_NOT_MEASURED);
const NO_NORMS = byTerm(() => null);

/** A value this or an earlier version has written, taken at its word: nothing is validated. */
export function fromJson<T>(json: string): T {
  return JSON.parse(json) as T;
}

/**
 * A field or λ that came later has its default, which is what the run did without it. Throws DATABASE_DAMAGED for a
 * value that is not valid in a recipe.
 */
export function readRecipe(json: string): Recipe {
  let recipe: Recipe;
  try {
    const stored: Pick<Recipe, 'dataset'> & Partial<Recipe> = fromJson(json);
    recipe = { ...DEFAULTS, ...stored, lambda: { ...DEFAULT_LAMBDA, ...stored.lambda } };
  } catch (cause) {
    throw damagedRecipe(messageOf(cause), cause);
  }
  const parsed = RecipeSchema.safeParse(recipe);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw damagedRecipe(`${path.join('.')}: ${message}`, parsed.error);
  }
  return recipe;
}

/** null: the task is not known. */
export function readTask(json: string | null): Task | null {
  return json === null ? null : TaskSchema.parse(JSON.parse(json));
}

function damagedRecipe(why: string, cause: unknown): NextvecError {
  return new NextvecError('DATABASE_DAMAGED', `A recipe in the history is damaged (${why}).`, {
    remedy: 'Put a backup of the storage folder in its place, or delete the run.',
    details: { place: 'nextvec.db' },
    cause,
  });
}

/**
 * What `read` makes of each row. A row whose JSON is damaged, so that `read` throws, must not hide the others: it is left
 * out, and `damaged` gets a sentence that names it by `name`.
 */
export function wholeRows<Row, T>(
  rows: readonly Row[],
  read: (row: Row) => T,
  name: (row: Row) => string,
  damaged: string[] = [],
): T[] {
  return rows.flatMap((row) => {
    try {
      return [read(row)];
    } catch {
      damaged.push(
        `${name(row)} is damaged in the history and is not listed. A backup of the storage folder has it whole.`,
      );
      return [];
    }
  });
}

/** A term that came later was not measured. */
export function readEpochRecord(json: string): EpochRecord {
  const stored: EpochRecord = fromJson(json);
  return {
    ...stored,
    terms: { ...NO_TERMS, ...stored.terms },
    partGradNorms: { ...NO_NORMS, ...stored.partGradNorms },
  };
}
