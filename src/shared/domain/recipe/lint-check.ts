/** What a check of a recipe knows and what it answers. */
import type { Comparison, Passport } from '../datasets/passport.ts';
import type { TermTable } from '../runs/training.ts';
import type { Recipe } from './recipe.ts';

export interface LintFinding {
  readonly severity: 'info' | 'warning' | 'error';
  /** Field of the recipe it is about, or null. */
  readonly path: string | null;
  readonly message: string;
  readonly reason: string;
}

/** What preflight knows; null is "not known", and the checks that need it stay silent. */
export interface LintContext {
  readonly recipe: Recipe;
  /** Vector width. */
  readonly D: number;
  readonly trainRows: number;
  readonly passport: Passport | null;
  /** Loss terms measured on the first batches with this recipe's λ. */
  readonly firstBatches: TermTable | null;
  readonly split: {
    readonly sharedVectors: number;
    readonly sharedArticles: number | null;
    readonly trainArticles: number | null;
  } | null;
  readonly ood: { readonly sharedVectors: number | null; readonly space: Comparison | null } | null;
  /** Rows and epochs of the latest finished run of the same model. */
  readonly earlier: { readonly name: string; readonly trainRows: number; readonly epochs: number } | null;
  /** Why the memory of the GPU does not hold the model and its batch; empty: it does. */
  readonly deviceRefusal: string | null;
}

export type Check = (context: LintContext) => LintFinding | null;
