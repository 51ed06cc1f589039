/** The arguments of another trainer as a recipe, and values of dicts that other programs wrote. */
import { RECIPE_FIELDS, withValue } from '#shared/domain/recipe/recipe-fields.ts';
import { NO_DATASET, RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Plain } from '../formats/pickle/plain.ts';

export type PlainDict = Readonly<Record<string, Plain>>;

export function isDict(value: Plain | undefined): value is { [key: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first of these keys that holds a dict. */
export function dictAt(rest: PlainDict, ...keys: string[]): PlainDict {
  for (const key of keys) {
    const value = rest[key];
    if (isDict(value)) return value;
  }
  return {};
}

export function numberAt(rest: PlainDict, ...keys: string[]): number | null {
  for (const key of keys) {
    const value = rest[key];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return null;
}

/** A count that names a size, e.g. the context length; undefined where there is none. */
export function sizeAt(rest: PlainDict, ...keys: string[]): number | undefined {
  const value = numberAt(rest, ...keys);
  return value !== null && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** A recipe from a trainer's arguments; values it cannot have had here are left at their default and named. */
export function recipeFromArgs(args: PlainDict): { recipe: Recipe; left: string[] } {
  let recipe: Recipe = RecipeSchema.parse({ dataset: NO_DATASET });
  const left: string[] = [];
  for (const { flag, path } of RECIPE_FIELDS) {
    const value = args[flag.slice(2).replaceAll('-', '_')];
    if (value === undefined || value === null) continue;
    const next = RecipeSchema.safeParse(withValue(recipe, path, value));
    if (next.success) recipe = next.data;
    else left.push(`${flag} ${String(value)}`);
  }
  return { recipe, left };
}
