/** Which runs can be parts of a Gram mixture (`parts` of its recipe). Pure. */
import { modelRow } from '../models/models.ts';
import { shortText } from '../short-text.ts';
import type { RunStatus } from '../runs/run-kinds.ts';
import type { Recipe } from './recipe.ts';

/** A run of the history. */
export interface PartCandidate {
  readonly status: RunStatus;
  readonly isImported: boolean;
  readonly recipe: Recipe;
  /** Whether it has a best checkpoint. */
  readonly hasBest: boolean;
}

export interface PartRefusal {
  /** "its split is another" */
  readonly why: string;
  /** What follows from it, where that is not plain. */
  readonly because?: string;
  readonly remedy: string;
}

/** What decides the training windows of a mixture. */
type SplitRecipe = Pick<Recipe, 'dataset' | 'split' | 'seed'>;

/**
 * null: the run can be a part. Its training windows must be those of the mixture: then it has seen none of the validation
 * windows, and can be trained anew without a cluster. Weights that it started from may have seen any.
 */
export function refusePart(
  mixture: SplitRecipe,
  { status, isImported, recipe, hasBest }: PartCandidate,
): PartRefusal | null {
  const { label, training } = modelRow(recipe.modelType);
  if (isImported)
    return { why: 'it was imported, and what it was trained on is not known', remedy: 'Train such a model here.' };
  if (training !== 'gradient')
    return { why: `it is a ${label}`, remedy: 'Name a run of AMN, LSTM, GRU stack or Transformer.' };
  if (recipe.dataset !== mixture.dataset)
    return { why: 'it was trained on another data set', remedy: 'Name a run on the same training set.' };
  if (status !== 'finished') return { why: `it is ${status}`, remedy: 'Let it finish first.' };
  if (recipe.initFrom !== null)
    return {
      why: 'it started from given weights',
      because: 'which may have seen the validation windows',
      remedy: 'Name a run that started from its seed.',
    };
  if (!hasSameSplit(mixture, recipe))
    return {
      why: 'its split is another',
      because: 'so it was trained on windows that this run validates on',
      remedy: `Give this run the split of that one: ${splitText(recipe)}.`,
    };
  return hasBest ? null : { why: 'it has no best checkpoint', remedy: 'Name a run that has one.' };
}

/** "its split is another, so it was trained on windows that this run validates on" */
export function partReason({ why, because }: PartRefusal): string {
  return because === undefined ? why : `${why}, ${because}`;
}

/** Whether a run could be a part if its state or one of the splits were another. */
export function isPartOfSameData({ dataset }: SplitRecipe, { isImported, recipe }: PartCandidate): boolean {
  return !isImported && recipe.dataset === dataset && modelRow(recipe.modelType).training === 'gradient';
}

function splitText({ split: { kind, validationShare, excludedArticles }, seed }: SplitRecipe): string {
  const excluded = excludedArticles === undefined ? '' : `, without articles ${shortText(excludedArticles)}`;
  return `"${kind}", share ${validationShare}, seed ${seed}${excluded}`;
}

function hasSameSplit(a: SplitRecipe, b: SplitRecipe): boolean {
  if (a.split.kind !== b.split.kind || a.split.excludedArticles !== b.split.excludedArticles) return false;
  return a.split.kind === 'file' || (a.seed === b.seed && a.split.validationShare === b.split.validationShare);
}
