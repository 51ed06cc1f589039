/**
 * A recipe as a file: JSON that says which data it was for, so that it can be read on another machine. Reading accepts a
 * bare recipe too.
 */
import { z } from 'zod';
import type { Passport } from '../datasets/passport.ts';
import { isSameTask, taskOf, TaskSchema } from '../datasets/task.ts';
import { NextvecError } from '../errors.ts';
import { RECIPE_KEYS, unknownFields } from './field-names.ts';
import { TrainableRecipeSchema, type Recipe } from './recipe.ts';
import { issueList } from '../short-text.ts';

const DataReferenceSchema = z.strictObject({
  name: z.string(),
  /** File it was imported from, or "sample". */
  file: z.string().nullable().default(null),
  /** Of its file; null: the set is gone. */
  sha256: z.string().nullable().default(null),
  /** Of its windows: one file can be imported with several. null: the set is gone, or the file is of an older version. */
  task: TaskSchema.nullable().default(null),
});
export type DataReference = z.infer<typeof DataReferenceSchema>;

interface ImportedSet {
  readonly passport: Pick<Passport, 'sha256' | 'T' | 'history'>;
}

/** The imported sets that a reference can mean: of the same file, with the same task where the reference has one. */
export function datasetsMeant<D extends ImportedSet>(known: readonly D[], reference: DataReference): D[] {
  return known.filter((set) => set.passport.sha256 === reference.sha256 && hasTaskOf(set, reference));
}

/** True of any set where the reference has no task. */
export function hasTaskOf({ passport }: ImportedSet, { task }: Pick<DataReference, 'task'>): boolean {
  return task === null || isSameTask(taskOf(passport), task);
}

const RecipeFileSchema = z.strictObject({
  nextvec: z.literal('recipe'),
  version: z.literal(1),
  data: DataReferenceSchema.nullable(),
  ood: DataReferenceSchema.nullable(),
  recipe: TrainableRecipeSchema,
});
export type RecipeFile = z.infer<typeof RecipeFileSchema>;

export function recipeFileText(recipe: Recipe, data: DataReference, ood: DataReference | null): string {
  const file: RecipeFile = { nextvec: 'recipe', version: 1, data, ood, recipe };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * The recipe in the JSON of a file; `place` is what errors call it. A recipe that names no data set gets "-". Throws
 * BAD_RECIPE with the fields at fault: values that are not allowed, and names that no recipe has.
 */
export function parseRecipeFile(content: unknown, place: string): RecipeFile {
  if (!isObject(content)) throw bad(place, 'it is no object');
  const isBare = !('nextvec' in content);
  const recipe = isBare ? content : content.recipe;
  const unknown = isObject(recipe) ? unknownFields(recipe) : [];
  if (unknown.length > 0) throw bad(place, whyBad(unknown));
  const whole = isBare
    ? { nextvec: 'recipe', version: 1, data: null, ood: null, recipe: { dataset: '-', ...content } }
    : content;
  const parsed = RecipeFileSchema.safeParse(whole);
  if (parsed.success) return parsed.data;
  throw bad(place, whyBad(parsed.error.issues));
}

/** The first issues; one of the whole file says so. */
function whyBad(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issueList(issues.map(({ path, message }) => ({ path: path.map(String).join('.') || 'the whole', message })));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(place: string, why: string): NextvecError {
  return new NextvecError('BAD_RECIPE', `${place} is not a recipe file: ${why}.`, {
    remedy: `Export one with "nextvec export RUN --format recipe" and change that. A recipe has ${RECIPE_KEYS.join(', ')}.`,
    details: { place },
  });
}
