/**
 * Doubts about a recipe, each with its reason: what is known to fail or to mislead, before an hour is spent on it.
 * Nothing here refuses a recipe; `recipe-check.ts` does that. D vector width, B batch size.
 */
import type { Dataset, SplitProof } from '#shared/contract/datasets.ts';
import type { Lint } from '#shared/contract/runs.ts';
import type { Recipe } from '#shared/domain/recipe.ts';
import { TERMS, infoNceChance } from '#shared/domain/terms.ts';

const DIVERSE_COHERENCE = 0.4;
const STEADY_MOMENT_BATCH = 64;
/** One term outweighs the other by more than this: the smaller one is decoration. */
const BALANCE_LIMIT = 20;

interface Facts {
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  readonly ood: Dataset | null;
  readonly proof: SplitProof;
}

type Check = (facts: Facts) => Lint | null;

export function lint(recipe: Recipe, dataset: Dataset, ood: Dataset | null, proof: SplitProof): Lint[] {
  const facts = { recipe, dataset, ood, proof };
  const rank = { error: 0, warning: 1, info: 2 };
  return CHECKS.map((check) => check(facts))
    .filter((found) => found !== null)
    .toSorted((a, b) => rank[a.severity] - rank[b.severity]);
}

const digits = (value: number): string => value.toPrecision(3);

const mseOnlyOnDiverseData: Check = ({ recipe: { lambda }, dataset }) => {
  const coherence = dataset.passport.coherence.mean;
  const others = TERMS.some((term) => term !== 'mse' && lambda[term] > 0);
  if (others || lambda.mse === 0 || coherence === null || coherence >= DIVERSE_COHERENCE) return null;
  return {
    severity: 'warning',
    path: 'lambda.mse',
    message: `MSE alone on a diverse data set (coherence ${digits(coherence)}).`,
    reason:
      'Where neighbours are unlike each other, MSE is minimised by predicting near the mean: the output shrinks and the cosine stalls. Watch the lift over the mean of the context.',
  };
};

const infoNceOutOfBalance: Check = ({ recipe: { lambda, batchSize }, dataset: { D } }) => {
  if (lambda.info_nce === 0 || lambda.mse === 0 || batchSize < 2) return null;
  const info = lambda.info_nce * infoNceChance(batchSize);
  const mse = lambda.mse * (2 / D);
  const ratio = info / mse;
  if (ratio <= BALANCE_LIMIT && ratio >= 1 / BALANCE_LIMIT) return null;
  const [large, small] = ratio > 1 ? ['InfoNCE', 'MSE'] : ['MSE', 'InfoNCE'];
  const share = digits(ratio > 1 ? ratio : 1 / ratio);
  return {
    severity: 'warning',
    path: 'lambda.info_nce',
    message: `${large} outweighs ${small} about ${share} : 1 at the start.`,
    reason: `λ·2·ln B = ${digits(info)} for InfoNCE against λ·2/D = ${digits(mse)} for MSE; ${small} would decide nothing. A run with 700 : 1 stuck at a validation cosine of 0.27.`,
  };
};

const unreachableVariance: Check = ({ recipe: { lambda, varianceTarget }, dataset: { D } }) =>
  lambda.variance > 0 && varianceTarget === 'one'
    ? {
        severity: 'warning',
        path: 'varianceTarget',
        message: 'The variance hinge can never be met.',
        reason: `A unit vector's spread in one dimension is at most about 1/√D = ${digits(1 / Math.sqrt(D))}, far below 1: the term stays near ${digits(1 - 1 / Math.sqrt(D))} and only adds noise. Choose the reachable target.`,
      }
    : null;

const smallMomentBatch: Check = ({ recipe: { lambda, batchSize } }) => {
  if (lambda.moment === 0 || batchSize >= STEADY_MOMENT_BATCH) return null;
  return {
    severity: batchSize < 2 ? 'error' : 'warning',
    path: 'batchSize',
    message:
      batchSize < 2
        ? 'Moment matching is undefined for a batch of one row.'
        : `Moment matching over ${batchSize} rows is noisy.`,
    reason: `It compares mean and spread of a batch with those of its targets; below ${STEADY_MOMENT_BATCH} rows that is mostly chance.`,
  };
};

const falseNegatives: Check = ({ recipe: { lambda }, dataset: { passport, windows } }) => {
  const overlapping = passport.kind === 'chunks' || passport.vectors < windows * 2;
  if (lambda.info_nce === 0 || !overlapping) return null;
  return {
    severity: 'info',
    path: 'lambda.info_nce',
    message: 'Overlapping windows are false negatives for InfoNCE.',
    reason:
      'Every other row of a batch counts as wrong; windows of the same article that overlap are nearly right. The larger the batch, the more of them meet.',
  };
};

const randomSplit: Check = ({ recipe: { split }, proof }) =>
  split.kind === 'random'
    ? {
        severity: 'warning',
        path: 'split.kind',
        message: `A random split puts ${proof.sharedVectors} vectors on both sides.`,
        reason:
          'Overlapping windows share their vectors, so validation measures memory, not prediction. Split by article.',
      }
    : null;

const leakingSplit: Check = ({ recipe: { split }, proof }) =>
  split.kind !== 'random' && !proof.ok
    ? {
        severity: 'warning',
        path: 'split.kind',
        message: `Training and validation share ${proof.sharedVectors} vectors and ${proof.sharedArticles ?? 0} articles.`,
        reason: 'Validation figures will be too good by an unknown amount.',
      }
    : null;

const oodOverlap: Check = ({ ood, proof }) =>
  ood !== null && (proof.oodSharedVectors ?? 0) > 0
    ? {
        severity: 'warning',
        path: 'ood',
        message: `${proof.oodSharedVectors} vectors of the OOD set also stand in training windows.`,
        reason: 'What was trained on is not out of distribution; its cosine will be too good.',
      }
    : null;

const noOod: Check = ({ ood }) =>
  ood === null
    ? {
        severity: 'info',
        path: 'ood',
        message: 'No OOD set: how the model does on other text is not measured.',
        reason: 'A validation cosine alone cannot tell a good model from one that knows these articles.',
      }
    : null;

const smallInfoBatch: Check = ({ recipe: { lambda, batchSize } }) =>
  lambda.info_nce > 0 && batchSize < 2
    ? {
        severity: 'error',
        path: 'batchSize',
        message: 'InfoNCE needs at least two rows in a batch.',
        reason: 'With one row there is nothing to tell apart: the loss is 0 and trains nothing.',
      }
    : null;

const CHECKS: readonly Check[] = [
  smallMomentBatch,
  smallInfoBatch,
  infoNceOutOfBalance,
  mseOnlyOnDiverseData,
  unreachableVariance,
  randomSplit,
  leakingSplit,
  oodOverlap,
  falseNegatives,
  noOod,
];
