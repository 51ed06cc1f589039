/**
 * What a person reads and types for each number of a recipe: label, unit, sensible range, help, command-line flag.
 * The form, the command line, the equivalent-command-line text and recipe diffs are all made from this table.
 */
import {
  INPUT_SHIFTS,
  MODEL_TABLE,
  MODEL_TYPES,
  modelRow,
  modelsThat,
  type ModelRow,
  type ModelType,
} from '../models/models.ts';
import type { Recipe } from './recipe.ts';
import { RecipeSchema } from './recipe.ts';
import { TERMS, TERM_TABLE, type Term, type TermRow } from '../models/terms.ts';

export interface RecipeField {
  /** Path in the recipe, e.g. "lambda.info_nce". */
  readonly path: string;
  readonly flag: string;
  readonly label: string;
  readonly unit?: string;
  /** Hard limits are the schema's; these are what usually makes sense and what the form's stepper offers. */
  readonly usual?: readonly [number, number];
  /** 'articles': a list such as "3,7-12". */
  readonly kind: 'number' | 'integer' | 'choice' | 'articles';
  readonly choices?: readonly string[];
  /** Stands before the number on a command line; may be left out. */
  readonly wordPrefix?: string;
  readonly group: 'model' | 'loss' | 'more-losses' | 'training' | 'advanced';
  readonly help: string;
  /** Of models that are trained this way only; absent: of all. */
  readonly only?: ModelRow['training'];
}

/** Whether a model has the field. */
export function hasField(type: ModelType, { only }: RecipeField): boolean {
  return only === undefined || modelRow(type).training === only;
}

/** Further fields of a term, shown below its λ. */
const TERM_FIELDS: Partial<Record<Term, readonly RecipeField[]>> = {
  directional: [
    {
      path: 'marginDirectional',
      flag: '--margin-dir',
      label: 'Directional margin',
      unit: 'cosine',
      usual: [0, 0.5],
      kind: 'number',
      group: 'more-losses',
      help: 'How much nearer, in cosine.',
      only: 'gradient',
    },
  ],
  anti_copy: [
    {
      path: 'marginAntiCopy',
      flag: '--margin-ac',
      label: 'Anti-copy margin',
      unit: 'cosine',
      usual: [0, 0.5],
      kind: 'number',
      group: 'more-losses',
      help: 'How much nearer, in cosine.',
      only: 'gradient',
    },
  ],
};

/** λ of each term of a group, each with its further fields. */
function lambdaFields(group: TermRow['group']): RecipeField[] {
  return TERMS.filter((term) => TERM_TABLE[term].group === group).flatMap((term) => {
    const { flag, lambdaLabel: label, usual, help } = TERM_TABLE[term];
    const field: RecipeField = {
      path: `lambda.${term}`,
      flag,
      label,
      usual,
      kind: 'number',
      group,
      help,
      only: 'gradient',
    };
    return [field, ...(TERM_FIELDS[term] ?? [])];
  });
}

export const RECIPE_FIELDS: readonly RecipeField[] = [
  {
    path: 'modelType',
    flag: '--model-type',
    label: 'Model',
    kind: 'choice',
    choices: MODEL_TYPES,
    group: 'model',
    help: `${MODEL_TYPES.map((type) => `${MODEL_TABLE[type].label}: ${MODEL_TABLE[type].help}`).join('. ')}.`,
  },
  {
    path: 'skip',
    flag: '--skip',
    label: 'Skip path',
    kind: 'choice',
    choices: ['mean', 'positional'],
    group: 'advanced',
    help: `${modelsThat(({ skips }) => skips.length > 1)} only. The published model adds its residual to the mean of the context, which has no order; positional learns a weight for each position and dimension.`,
    only: 'gradient',
  },
  {
    path: 'start',
    flag: '--start',
    label: 'Start',
    kind: 'choice',
    choices: ['random', 'least-squares'],
    group: 'advanced',
    help: `${modelsThat(({ starts }) => starts.length > 1)} only. Least squares starts the residual at zero and the position weights at their best linear fit, so that training begins at a baseline instead of below it.`,
    only: 'gradient',
  },
  {
    path: 'inputs',
    flag: '--inputs',
    label: 'Inputs',
    kind: 'choice',
    choices: ['absolute', ...INPUT_SHIFTS],
    group: 'advanced',
    help: 'Relative: the model reads the context less its mean and predicts what to add to that mean. Centred: the same with the mean of the training data, which the checkpoint keeps. On speeches → novel AMN by MSE reached (validation, OOD) 0.476, 0.372 absolute, 0.477, 0.517 relative, 0.475, 0.478 centred.',
    only: 'gradient',
  },
  ...lambdaFields('loss'),
  {
    path: 'tau',
    flag: '--tau',
    label: 'τ',
    usual: [0.01, 1],
    kind: 'number',
    group: 'loss',
    help: 'InfoNCE temperature. Smaller is sharper; logits reach 1/τ.',
    only: 'gradient',
  },
  {
    path: 'varianceTarget',
    flag: '--variance-target',
    label: 'Variance target',
    kind: 'choice',
    choices: ['one', 'reachable'],
    group: 'more-losses',
    help: '1 is the published formula, unreachable for unit vectors; reachable is 1/√D.',
    only: 'gradient',
  },
  ...lambdaFields('more-losses'),
  {
    path: 'epochs',
    flag: '--epochs',
    label: 'Epochs',
    usual: [1, 100],
    kind: 'integer',
    group: 'training',
    help: 'Passes over the training windows. Rule of thumb: a third more data wants half as many epochs again.',
  },
  {
    path: 'batchSize',
    flag: '--batch-size',
    label: 'Batch size',
    unit: 'rows',
    usual: [8, 1024],
    kind: 'integer',
    group: 'training',
    help: 'Rows per optimiser step. It also sets the number of InfoNCE candidates.',
  },
  {
    path: 'lr',
    flag: '--lr',
    label: 'Learning rate',
    usual: [1e-6, 1e-2],
    kind: 'number',
    group: 'training',
    help: 'AdamW step size before the schedule lowers it.',
  },
  {
    path: 'weightDecay',
    flag: '--weight-decay',
    label: 'Weight decay',
    usual: [0, 1],
    kind: 'number',
    group: 'advanced',
    help: 'Decoupled (AdamW), on all parameters. On speeches → novel 1 in place of 0.01 took AMN by MSE, 10 epochs, from validation 0.476 and OOD 0.372 to 0.496 and 0.489.',
  },
  {
    path: 'clip',
    flag: '--clip',
    label: 'Gradient clip',
    unit: 'norm',
    usual: [0, 10],
    kind: 'number',
    group: 'advanced',
    help: 'Largest global gradient norm; 0 turns clipping off.',
    only: 'gradient',
  },
  {
    path: 'earlyStopping.on',
    flag: '--early-stopping',
    label: 'Early stopping',
    kind: 'choice',
    choices: ['off', 'validation', 'ood'],
    group: 'training',
    help: 'Ends the run when the cosine of these rows no longer rises. A lift over a baseline rises as its cosine does. The best epoch is kept either way.',
    only: 'gradient',
  },
  {
    path: 'earlyStopping.patience',
    flag: '--patience',
    label: 'Patience',
    unit: 'epochs',
    usual: [2, 20],
    kind: 'integer',
    group: 'advanced',
    help: 'Epochs in a row without a gain after which early stopping ends the run.',
    only: 'gradient',
  },
  {
    path: 'earlyStopping.minGain',
    flag: '--min-gain',
    label: 'Least gain',
    usual: [0, 0.01],
    kind: 'number',
    group: 'advanced',
    help: 'By how much the cosine must exceed the best so far to count as a gain for early stopping.',
    only: 'gradient',
  },
  {
    path: 'gram.neighbours',
    flag: '--neighbours',
    label: 'Neighbours',
    kind: 'choice',
    choices: ['on', 'off'],
    group: 'advanced',
    help: 'Gram mixture only: means over similar training windows as parts. Off shows what they are worth; the model file is then small.',
    only: 'fit',
  },
  {
    path: 'gram.filters',
    flag: '--filters',
    label: 'Spectral filters',
    kind: 'choice',
    choices: ['on', 'off'],
    group: 'advanced',
    help: 'Gram mixture only: parts that keep the directions in which the embedding carries topics. They bring most of the gain out of distribution.',
    only: 'fit',
  },
  {
    path: 'gram.turned',
    flag: '--turned',
    label: 'Turned windows',
    kind: 'choice',
    choices: ['on', 'off'],
    group: 'advanced',
    help: 'Gram mixture only: windows turned at random among the data of the gates, so that a gate cannot learn directions.',
    only: 'fit',
  },
  {
    path: 'augment.isometry',
    flag: '--augment',
    wordPrefix: 'isometry:',
    label: 'Turned copies',
    unit: 'share',
    usual: [0, 0.5],
    kind: 'number',
    group: 'advanced',
    help: 'Share of each training batch that is turned by random isometries, one an article, which stand for other domains; the training cosine includes them. On speeches → novel half of each batch lifted the OOD cosine of AMN by MSE from 0.385 to 0.481 after four epochs, validation 0.467 and 0.465.',
    only: 'gradient',
  },
  {
    path: 'seed',
    flag: '--seed',
    label: 'Seed',
    kind: 'integer',
    group: 'advanced',
    help: 'Decides split, initial weights, shuffles and dropout.',
  },
  {
    path: 'split.kind',
    flag: '--split',
    label: 'Split',
    kind: 'choice',
    choices: ['article', 'random', 'file'],
    group: 'advanced',
    help: 'By article keeps neighbours together. Random puts the same vectors on both sides and flatters validation.',
  },
  {
    path: 'split.validationShare',
    flag: '--validation-share',
    label: 'Validation share',
    usual: [0.05, 0.3],
    kind: 'number',
    group: 'advanced',
    help: 'Share of the articles held out for validation.',
  },
  {
    path: 'split.excludedArticles',
    flag: '--exclude-articles',
    label: 'Excluded articles',
    kind: 'articles',
    group: 'advanced',
    help: 'Articles left out of training, e.g. 3,7-12. Validation stays as it is: those drawn for it are still measured.',
  },
  {
    path: 'engine',
    flag: '--engine',
    label: 'Engine',
    kind: 'choice',
    choices: ['auto', 'simd', 'tensorflow', 'webgpu', 'wasm', 'cpu'],
    group: 'advanced',
    help: 'auto measures the available engines on this model and batch and takes the fastest.',
  },
  {
    path: 'threads',
    flag: '--threads',
    label: 'Threads',
    usual: [1, 64],
    kind: 'integer',
    group: 'advanced',
    help: 'Empty means all cores. The simd engine gives the same bits for any number.',
  },
  {
    path: 'device',
    flag: '--device',
    label: 'Device',
    kind: 'choice',
    choices: ['cpu', 'mps', 'cuda'],
    group: 'advanced',
    help: 'From other trainers’ command lines; it only steers which engine auto prefers.',
    only: 'gradient',
  },
];

/** The number of a word of a command line; NaN where it is none. */
export function fieldNumber({ wordPrefix = '' }: RecipeField, word: string): number {
  const digits = (word.startsWith(wordPrefix) ? word.slice(wordPrefix.length) : word).trim();
  return digits === '' ? Number.NaN : Number(digits);
}

/** The value of a word of a command line, not yet validated. */
export function fieldValue(field: RecipeField, word: string): unknown {
  return field.kind === 'choice' || field.kind === 'articles' ? word : fieldNumber(field, word);
}

/** What `fieldNumber` reads; other values as they are. */
export function fieldWord({ wordPrefix = '' }: RecipeField, value: unknown): string {
  return `${wordPrefix}${String(value)}`;
}

export function valueAt(recipe: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), recipe);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** A copy of `recipe` with one field replaced; intermediate objects are copied too. */
export function withValue<R extends object>(recipe: R, path: string, value: unknown): R {
  const [head, ...rest] = path.split('.');
  const current = valueAt(recipe, head);
  const next = rest.length === 0 ? value : withValue(isObject(current) ? current : {}, rest.join('.'), value);
  return { ...recipe, [head]: next };
}

const defaults = (): Recipe => RecipeSchema.parse({ dataset: '-' });

/** Made once: it takes the schema 10 kB to make them, and pages ask for thirty fields at a time. */
const DEFAULTS = defaults();

/** The value a field has when nothing is said; an object is made anew, for whoever asks to keep. */
export function defaultAt<K extends keyof Recipe>(field: K): Recipe[K];
export function defaultAt(path: string): unknown;
export function defaultAt(path: string): unknown {
  const value = valueAt(DEFAULTS, path);
  return isObject(value) ? valueAt(defaults(), path) : value;
}
