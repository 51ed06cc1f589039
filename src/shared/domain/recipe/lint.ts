/**
 * Recipe lint: what a careful colleague would say before the run starts, each with its reason and the figures. Pure;
 * preflight supplies what it knows, and a check that lacks its figures says nothing. Errors mean the run cannot or must
 * not start as it stands; warnings let it.
 */
import { count, figure, percent, plural } from '../figures.ts';
import type { Comparison, Passport } from '../datasets/passport.ts';
import { ARTICLES_PER_CLUSTER } from '../models/gram.ts';
import { modelRow } from '../models/models.ts';
import type { Recipe } from './recipe.ts';
import { TERMS, TERM_LABELS, infoNceChance } from '../models/terms.ts';
import type { TermTable } from '../runs/training.ts';
import { balanceVerdict } from '../verdicts/verdicts-model.ts';

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

type Check = (context: LintContext) => LintFinding | null;

/** Below this neighbouring vectors have little in common and the regression target is spread out. */
const DIVERSE_COHERENCE = 0.4;
const SMALL_MOMENT_BATCH = 64;
/** Share of a batch that repeats vectors of another row before InfoNCE's negatives are called false. */
const FALSE_NEGATIVE_SHARE = 0.01;

/** Every finding, errors first. */
export function lintRecipe(context: LintContext): LintFinding[] {
  const order = { error: 0, warning: 1, info: 2 } as const;
  const checks =
    modelRow(context.recipe.modelType).training === 'fit' ? COMMON_CHECKS : [...COMMON_CHECKS, ...LOSS_CHECKS];
  const found = checks.map((check) => check(context)).filter((finding) => finding !== null);
  return found.toSorted((a, b) => order[a.severity] - order[b.severity]);
}

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

const moreDataSameEpochs: Check = ({ recipe, trainRows, earlier }) => {
  if (earlier === null || trainRows < 1.2 * earlier.trainRows || recipe.epochs > earlier.epochs) return null;
  const growth = trainRows / earlier.trainRows - 1;
  return {
    severity: 'info',
    path: 'epochs',
    message: `${percent(growth)} more data than ${earlier.name}, and as many epochs.`,
    reason: `Rule of thumb: a third more data wants half as many epochs again, here about ${Math.round(earlier.epochs * (1 + 1.5 * growth))} instead of ${recipe.epochs}.`,
  };
};

const leakingSplit: Check = ({ split, recipe }) => {
  const articles = split?.sharedArticles ?? 0;
  if (split === null || (split.sharedVectors === 0 && articles === 0)) return null;
  return {
    severity: 'warning',
    path: 'split.kind',
    message:
      recipe.split.kind === 'random'
        ? `A random split puts ${plural(split.sharedVectors, 'vector')} on both sides.`
        : `Training and validation share ${plural(split.sharedVectors, 'vector')} and ${plural(articles, 'article')} (split: ${recipe.split.kind}).`,
    reason: 'The validation cosine will flatter, because windows of one article overlap. Split by article.',
  };
};

const oodOverlap: Check = ({ ood }) => {
  const shared = ood?.sharedVectors ?? 0;
  if (shared === 0) return null;
  return {
    severity: 'warning',
    path: 'ood',
    message: `${plural(shared, 'vector')} of the OOD set also stand in the training set.`,
    reason: 'What the model has seen is not out of distribution; the OOD cosine will flatter by those windows.',
  };
};

const oodSpace: Check = ({ ood }) => {
  const space = ood?.space ?? null;
  if (space === null || space.verdict === 'same') return null;
  const different = space.verdict === 'different';
  return {
    severity: different ? 'error' : 'info',
    path: 'ood',
    message: different
      ? 'The OOD set is in a different vector space than the training set.'
      : 'The OOD set is shifted against the training set.',
    reason: `${space.reasons.join(' ')} ${different ? 'Every OOD cosine will be about 0 and say nothing; embed it with the same encoder.' : 'Read OOD lift, not absolute cosines.'}`,
  };
};

const deviceMemory: Check = ({ recipe, deviceRefusal }) => {
  // `auto` takes another engine then.
  if (recipe.engine !== 'webgpu' || !deviceRefusal) return null;
  return { severity: 'error', path: 'batchSize', message: 'The GPU has no room for the model.', reason: deviceRefusal };
};

const noOod: Check = ({ recipe }) =>
  recipe.ood !== null
    ? null
    : {
        severity: 'info',
        path: 'ood',
        message: 'No OOD set: generalisation will be "not measured".',
        reason: 'A good validation cosine with a lost OOD lift is the most common way a retrain fails unnoticed.',
      };

const repeatedChunks: Check = ({ passport }) => {
  const found = passport?.warnings.find(({ code }) => code === 'CHUNKS_REPEATED');
  if (!found) return null;
  return {
    severity: 'warning',
    path: 'dataset',
    message: `${count(found.count)} chunks have the article and chunk number of an earlier one.`,
    reason: `Files that number their articles alike were joined, so windows mix their texts: mean cosine of neighbouring chunks ${figure(passport?.coherence.mean)}.`,
  };
};

const notUnit: Check = ({ passport }) => {
  const rows = (passport?.nonUnitRows ?? 0) + (passport?.zeroRows ?? 0);
  if (rows === 0) return null;
  return {
    severity: 'warning',
    path: 'dataset',
    message: `${plural(rows, 'vector')} of the set ${rows === 1 ? 'is' : 'are'} not of unit length.`,
    reason:
      'MSE is measured on the raw vectors and cosines on the unit ones; for vectors of other lengths the two disagree.',
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

const fitSettings: Check = ({ recipe }) => {
  const { label, training } = modelRow(recipe.modelType);
  if (training !== 'fit' || (recipe.lr >= 1e-3 && recipe.batchSize >= 256)) return null;
  return {
    severity: 'warning',
    path: recipe.lr < 1e-3 ? 'lr' : 'batchSize',
    message: `The settings are those of another kind of model than the ${label}.`,
    reason:
      'Its gates are small networks with one schedule over all epochs: they need a learning rate near 5e-3 and batches of about 1,024. The preset “Robust” sets both. λ, τ and the schedule play no part.',
  };
};

const fewArticles: Check = ({ recipe, split }) => {
  const { label, training } = modelRow(recipe.modelType);
  const articles = split?.trainArticles ?? null;
  const least = 2 * ARTICLES_PER_CLUSTER;
  if (training !== 'fit' || articles === null || articles >= least) return null;
  return {
    severity: 'error',
    path: 'dataset',
    message: `The ${label} needs at least ${least} training articles; this split has ${articles}.`,
    reason:
      'It holds groups of articles out to train its gates. Use more data, a smaller validation share or another model.',
  };
};

const unusedTerms: Check = ({ recipe }) => {
  const { label, training } = modelRow(recipe.modelType);
  const unused = TERMS.filter((term) => term !== 'mse' && term !== 'cosine' && recipe.lambda[term] > 0);
  if (training !== 'fit' || unused.length === 0) return null;
  return {
    severity: 'warning',
    path: `lambda.${unused[0]}`,
    message: `The ${label} is not trained by ${unused.map((term) => TERM_LABELS[term]).join(', ')}.`,
    reason: 'Its ridges are solved for the squared error and its gates are trained by the cosine, whatever the λ.',
  };
};

const unusedParts: Check = ({ recipe }) => {
  const { label, training } = modelRow(recipe.modelType);
  const off = Object.entries(recipe.gram).filter(([, value]) => value === 'off');
  if (training === 'fit' || off.length === 0) return null;
  return {
    severity: 'warning',
    path: `gram.${off[0][0]}`,
    message: `${label} has no ${off.map(([name]) => name).join(', ')} to turn off.`,
    reason: 'Only the Gram mixture has these parts (--model-type gram); the run trains as if they were not named.',
  };
};

/** Of every model. */
const COMMON_CHECKS: readonly Check[] = [
  fitSettings,
  fewArticles,
  unusedTerms,
  unusedParts,
  moreDataSameEpochs,
  leakingSplit,
  oodOverlap,
  oodSpace,
  noOod,
  deviceMemory,
  repeatedChunks,
  notUnit,
];

/** Of models that are trained by the weighted loss terms. */
const LOSS_CHECKS: readonly Check[] = [
  mseOnly,
  outOfBalance,
  unreachableVariance,
  momentBatch,
  falseNegatives,
  contrastiveBatch,
  unusedTemperature,
];
