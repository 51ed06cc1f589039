/**
 * Maps the name of a curve of another program to a figure of each epoch, a column of the step series, or both. Names are
 * compared by their words, in any order and spelling: `val/cosine`, `valCosine` and `validation_cosine_similarity` are one.
 */
import { TERMS, type Term } from '#shared/domain/models/terms.ts';
import { STEP_COLUMNS, type StepColumn } from '#shared/domain/runs/training.ts';

type TermFigure = `value/${Term}`;
/** A figure of an epoch; durations are in milliseconds. */
export type Figure =
  | 'trainLoss'
  | 'trainCosine'
  | 'valLoss'
  | 'valCosine'
  | 'oodLoss'
  | 'oodCosine'
  | 'lr'
  | 'gradNorm'
  | 'rowsPerSecond'
  | 'durationMs'
  | 'diversity'
  | 'effectiveRank'
  | TermFigure;

export interface CurvePlace {
  readonly figure: Figure | null;
  readonly column: StepColumn | null;
  /** Factor from the unit of the name to ours. */
  readonly scale: number;
}

/** Names of more than one word, as one. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\badam( ?w)?\b/g, ''],
  [/\blearning rates?\b|\blrs\b/g, 'lr'],
  [/\b(grad|gradient) norms?\b/g, 'gradnorm'],
  [/\b(effective|eff) rank\b/g, 'rank'],
  [/\b(rows|samples|examples) (per|a) (second|sec)\b|\bthroughput\b/g, 'rate'],
  [/\bduration ms\b/g, 'milliseconds'],
  [/\bepoch (times?|durations?|seconds?|secs?)( (s|sec|seconds))?\b|\bduration (s|seconds)\b/g, 'seconds'],
  [/\bout of distribution\b/g, 'ood'],
  [/\binfo ?nce\b/g, 'info_nce'],
  [/\banti copy\b/g, 'anti_copy'],
];

const SYNONYMS: Readonly<Record<string, string>> = {
  training: 'train',
  valid: 'val',
  validation: 'val',
  eval: 'val',
  evaluation: 'val',
  dev: 'val',
  losses: 'loss',
  cos: 'cosine',
  cosines: 'cosine',
  cossim: 'cosine',
};
/** Words that do not change what a curve is. */
const NOISE = new Set(['', 'avg', 'average', 'mean', 'metric', 'metrics', 'sim', 'similarity', 'total']);

/** By the words of a name in alphabetical order. */
const FIGURES: Readonly<Record<string, Figure>> = {
  loss: 'trainLoss',
  'loss train': 'trainLoss',
  'cosine train': 'trainCosine',
  'loss val': 'valLoss',
  'cosine val': 'valCosine',
  'loss ood': 'oodLoss',
  'cosine ood': 'oodCosine',
  lr: 'lr',
  'lr train': 'lr',
  gradnorm: 'gradNorm',
  'gradnorm train': 'gradNorm',
  rate: 'rowsPerSecond',
  'rate train': 'rowsPerSecond',
  seconds: 'durationMs',
  milliseconds: 'durationMs',
  diversity: 'diversity',
  'diversity val': 'diversity',
  rank: 'effectiveRank',
  'rank val': 'effectiveRank',
  ...Object.fromEntries(
    TERMS.flatMap((term): [string, Figure][] => {
      const names = [['loss', term], ['loss', 'train', term], ...(term === 'cosine' ? [] : [[term], ['train', term]])];
      return names.map((words) => [words.toSorted().join(' '), `value/${term}`]);
    }),
  ),
};

const COLUMNS: Partial<Readonly<Record<Figure, StepColumn>>> = {
  trainLoss: 'total',
  trainCosine: 'cosine',
  lr: 'lr',
  gradNorm: 'gradNorm',
};

/** Figures of an epoch that are means over what was logged in it; of the others the last counts. */
export function isMean(figure: Figure): boolean {
  return columnOf(figure) !== null && figure !== 'lr';
}

function isTermFigure(name: Figure | StepColumn): name is TermFigure {
  return name.startsWith('value/');
}

function columnOf(figure: Figure): StepColumn | null {
  return isTermFigure(figure) ? figure : (COLUMNS[figure] ?? null);
}

/** Lower-case words of a name: `epoch/trainLoss` gives epoch, train, loss. */
function wordsOf(name: string): string[] {
  const spaced = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  let words = spaced.replaceAll(/[^a-z0-9]+/g, ' ').trim();
  for (const [phrase, word] of PHRASES) words = words.replaceAll(phrase, word);
  return words.split(' ');
}

/** null: there is none. A name with the word `step` is of steps only, one with `epoch` of epochs only. */
export function placeOf(name: string): CurvePlace | null {
  const own = STEP_COLUMNS.find((column) => name === `step/${column}`);
  if (own) return { figure: null, column: own, scale: 1 };
  const words = wordsOf(name);
  const known = words.filter((word) => !NOISE.has(word) && word !== 'step' && word !== 'epoch');
  const key = [...new Set(known.map((word) => SYNONYMS[word] ?? word))].toSorted().join(' ');
  const figure = Object.hasOwn(FIGURES, key) ? FIGURES[key] : null;
  if (figure === null) return null;
  const column = words.includes('epoch') ? null : columnOf(figure);
  return {
    figure: words.includes('step') && column !== null ? null : figure,
    column,
    scale: key === 'seconds' ? 1000 : 1,
  };
}

/** Whether a value of this name says at which step or epoch the others were logged. */
export function counterOf(name: string): 'step' | 'epoch' | null {
  const key = wordsOf(name)
    .filter((word) => word !== 'global' && word !== 'train' && word !== 'trainer')
    .join(' ');
  if (key === 'epoch' || key === 'epochs') return 'epoch';
  return ['step', 'steps', 'iteration', 'iterations', 'iter'].includes(key) ? 'step' : null;
}

/** The curve of a figure where only its steps were logged. */
export function figureOfColumn(column: StepColumn): Figure | null {
  if (isTermFigure(column)) return column;
  const [figure] = Object.entries(COLUMNS).find(([, own]) => own === column) ?? [null];
  return figure as Figure | null;
}
