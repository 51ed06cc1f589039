/** Checks of the loss terms and of the batch they are measured on. */
import type { Passport } from '../datasets/passport.ts';
import { count, figure, percent } from '../figures.ts';
import { TERMS, TERM_LABELS, infoNceChance } from '../models/terms.ts';
import type { TermTable } from '../runs/training.ts';
import { balanceVerdict } from '../verdicts/verdicts-model.ts';
import type { Check } from './lint-check.ts';
import type { Recipe } from './recipe.ts';

/** Below this neighbouring vectors have little in common and the regression target is spread out. */
const DIVERSE_COHERENCE = 0.4;
const SMALL_MOMENT_BATCH = 64;
/** Share of a batch that repeats vectors of another row before InfoNCE's negatives are called false. */
const FALSE_NEGATIVE_SHARE = 0.01;

const mseOnly: Check = ({ recipe, passport }) => {
  const others = TERMS.filter((term) => term !== 'mse' && recipe.lambda[term] > 0);
  const coherence = passport?.coherence.mean ?? null;
  if (recipe.lambda.mse === 0 || others.length > 0 || coherence === null || coherence >= DIVERSE_COHERENCE) return null;
  return {
    severity: 'info',
    path: 'lambda.mse',
    message: `MSE alone on a diverse set (coherence ${figure(coherence)}).`,
    reason:
      'Where many continuations are possible, MSE is best served by their mean: predictions shrink towards the mean of the context. Watch diversity and the lift over the mean of the context; a second term with a balanced weight may help.',
  };
};

const outOfBalance: Check = ({ recipe, firstBatches, D }) => {
  const measured = firstBatches && balanceVerdict(firstBatches, recipe.lambda);
  if (measured) {
    return {
      severity: 'warning',
      path: 'lambda.info_nce',
      message: measured.message,
      reason: `Measured on the first batches: ${firstBatchShares(firstBatches, recipe)}.`,
    };
  }
  const { mse, info_nce } = recipe.lambda;
  if (firstBatches !== null || mse === 0 || info_nce === 0) return null;
  const ratio = (info_nce / mse) * expectedGradientRatio(D, recipe.tau);
  if (ratio < 20) return null;
  return {
    severity: 'warning',
    path: 'lambda.info_nce',
    message: `InfoNCE outweighs MSE by about ${count(Number(ratio.toPrecision(1)))} : 1 in the gradient.`,
    reason: `At D = ${D} and τ = ${recipe.tau} one unit of InfoNCE pulls about ${count(Number(expectedGradientRatio(D, recipe.tau).toPrecision(1)))} times as hard as one of MSE (MSE is a mean over D; InfoNCE is divided by τ). A run with 0.5 and 0.5 got stuck at a validation cosine of 0.27. Use Balance.`,
  };
};

/**
 * ‖∂InfoNCE/∂raw‖ over ‖∂MSE/∂raw‖ at the start: 2(1−P)/(τ·|raw|) a row against 2|raw−t|/D, with the |raw| ≈ 0.7 and
 * |raw − t| ≈ 0.9 of untrained models on unit vectors. Good to a factor of three, which is all a warning needs.
 */
function expectedGradientRatio(D: number, tau: number): number {
  return 1.4 * (D / tau);
}

function firstBatchShares(terms: TermTable, recipe: Recipe): string {
  return TERMS.filter((term) => recipe.lambda[term] > 0)
    .map(
      (term) =>
        `${TERM_LABELS[term]} ${percent(terms[term].share, 1)} of the total, ${percent(terms[term].gradShare, 1)} of the gradient`,
    )
    .join('; ');
}

const unreachableVariance: Check = ({ recipe, D }) => {
  if (recipe.lambda.variance === 0 || recipe.varianceTarget !== 'one') return null;
  const reach = 1 / Math.sqrt(D);
  return {
    severity: 'warning',
    path: 'varianceTarget',
    message: `The variance hinge can never be met: it asks for σ = 1, and a unit vector in ${D} dimensions reaches ${figure(reach, 3)}.`,
    reason: `The term stays at about ${figure(1 - reach, 2)} and pushes for ever. Choose the reachable target 1/√D.`,
  };
};

const momentBatch: Check = ({ recipe, trainRows }) => {
  if (recipe.lambda.moment === 0) return null;
  if (recipe.batchSize === 1 || trainRows % recipe.batchSize === 1) {
    const last = recipe.batchSize > 1;
    return {
      severity: last ? 'warning' : 'error',
      path: 'batchSize',
      message: last
        ? 'The last batch of each epoch has one row, where the moment term is undefined.'
        : 'The moment term is undefined for a batch of one row.',
      reason: last
        ? `${count(trainRows)} rows leave one over at batch ${recipe.batchSize}; the term is left out of that step.`
        : 'A standard deviation needs at least two rows. Raise the batch size or set λ moment to 0.',
    };
  }
  if (recipe.batchSize >= SMALL_MOMENT_BATCH) return null;
  return {
    severity: 'warning',
    path: 'batchSize',
    message: `A batch of ${recipe.batchSize} is small for the moment term.`,
    reason: `The mean of ${recipe.batchSize} rows is off by σ/√${recipe.batchSize}, ${percent(1 / Math.sqrt(recipe.batchSize))} of what it measures: the term mostly follows noise. ${SMALL_MOMENT_BATCH} rows or more.`,
  };
};

const falseNegatives: Check = ({ recipe, passport, trainRows }) => {
  if (recipe.lambda.info_nce === 0 || passport === null || trainRows < 2) return null;
  const overlap = overlapPerWindow(passport);
  const share = Math.min(1, ((recipe.batchSize - 1) * overlap) / trainRows);
  if (overlap === 0 || share < FALSE_NEGATIVE_SHARE) return null;
  return {
    severity: 'warning',
    path: 'batchSize',
    message: `Overlapping windows: in a batch of ${recipe.batchSize} about ${percent(share, 1)} of the rows meet a neighbour of their own article as a negative.`,
    reason: `Each window shares vectors with about ${overlap} others. InfoNCE pushes those apart although they are right answers nearby; a smaller batch meets fewer of them.`,
  };
};

/** Other windows that hold a vector of this one, for windows cut at every position: 2T; 0 when windows do not overlap. */
function overlapPerWindow(passport: Passport): number {
  const slots = passport.windows * (passport.T + 1);
  return passport.vectors < slots / 2 ? 2 * passport.T : 0;
}

const contrastiveBatch: Check = ({ recipe }) => {
  if (recipe.lambda.info_nce === 0 || recipe.batchSize >= 16) return null;
  return {
    severity: recipe.batchSize === 1 ? 'error' : 'warning',
    path: 'batchSize',
    message:
      recipe.batchSize === 1
        ? 'InfoNCE with a batch of one row has no negatives and trains nothing.'
        : `InfoNCE with ${recipe.batchSize} rows has few negatives.`,
    reason: `Negatives come from the batch; chance is 2·ln B = ${figure(infoNceChance(recipe.batchSize), 2)} here and 6.93 at 32 rows.`,
  };
};

const unusedTemperature: Check = ({ recipe }) => {
  if (recipe.lambda.info_nce === 0 || (recipe.tau >= 0.02 && recipe.tau <= 0.5)) return null;
  return {
    severity: 'warning',
    path: 'tau',
    message: `τ = ${recipe.tau} is outside 0.02 to 0.5.`,
    reason:
      recipe.tau < 0.02
        ? 'Logits of ±1/τ let one negative rule the whole softmax.'
        : 'The softmax is nearly flat and InfoNCE hardly tells candidates apart.',
  };
};

/** Of models that are trained by the weighted loss terms. */
export const LOSS_CHECKS: readonly Check[] = [
  mseOnly,
  outOfBalance,
  unreachableVariance,
  momentBatch,
  falseNegatives,
  contrastiveBatch,
  unusedTemperature,
];
