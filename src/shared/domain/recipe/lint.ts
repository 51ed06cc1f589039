/**
 * Recipe lint: what a careful colleague would say before the run starts, each with its reason and the figures. Pure;
 * preflight supplies what it knows, and a check that lacks its figures says nothing. Errors mean the run cannot or must
 * not start as it stands; warnings let it.
 */
import { count, figure, percent, plural } from '../figures.ts';
import { ARTICLES_PER_CLUSTER } from '../models/gram.ts';
import { modelRow } from '../models/models.ts';
import { TERMS, TERM_LABELS } from '../models/terms.ts';
import type { Check, LintContext, LintFinding } from './lint-check.ts';
import { LOSS_CHECKS } from './lint-losses.ts';

/** Every finding, errors first. */
export function lintRecipe(context: LintContext): LintFinding[] {
  const order = { error: 0, warning: 1, info: 2 } as const;
  const checks =
    modelRow(context.recipe.modelType).training === 'fit' ? COMMON_CHECKS : [...COMMON_CHECKS, ...LOSS_CHECKS];
  const found = checks.map((check) => check(context)).filter((finding) => finding !== null);
  return found.toSorted((a, b) => order[a.severity] - order[b.severity]);
}

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
