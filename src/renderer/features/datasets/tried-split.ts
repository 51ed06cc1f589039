/** The split that is tried on the page of a data set, as the form holds it. */
import type { Dataset } from '#shared/contract/datasets.ts';
import { RecipeSchema, SplitSchema, type Split } from '#shared/domain/recipe/recipe.ts';

/** Least time from the last change of the split to the calls that draw it. */
export const SPLIT_DEBOUNCE_MS = 250;

export interface TriedSplit {
  kind: Split['kind'];
  share: number;
  seed: number;
  /** Articles left out of training, e.g. "3,7-12"; empty: none. */
  excluded: string;
}

/** The default split and seed of a recipe; at random where the set has no articles. */
export function usualSplit({ id, passport }: Dataset): TriedSplit {
  const { split, seed } = RecipeSchema.parse({ dataset: id });
  const kind = passport.articles === null ? 'random' : split.kind;
  return { kind, share: split.validationShare, seed, excluded: '' };
}

/** null: share, seed or articles are not valid. */
export function splitOf({ kind, share, seed, excluded }: TriedSplit): Split | null {
  const excludedArticles = excluded.trim() === '' ? undefined : excluded;
  const { data } = SplitSchema.safeParse({ kind, validationShare: share, excludedArticles });
  return data && Number.isSafeInteger(seed) && seed >= 0 ? data : null;
}
