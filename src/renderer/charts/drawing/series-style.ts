/**
 * Colour, line style and name of each series, the same on every page. Colours are tokens of ui/styles/tokens.css
 * (Okabe-Ito); line styles differ too, so that colour is never the only difference.
 */
import { BASELINE_LABELS, type BaselineName } from '#shared/domain/runs/training.ts';
import { TERM_TABLE, byTerm, type LinePattern, type Term } from '#shared/domain/models/terms.ts';

export type ColourToken =
  | '--series-blue'
  | '--series-orange'
  | '--series-green'
  | '--series-vermillion'
  | '--series-sky'
  | '--series-purple'
  | '--series-yellow'
  | '--series-black'
  | '--text-3';

export interface SeriesStyle {
  readonly label: string;
  readonly colour: ColourToken;
  /** Lengths of strokes and gaps in CSS pixels; empty: solid. */
  readonly dash: readonly number[];
  /** CSS pixels. */
  readonly width: number;
}

const SOLID: readonly number[] = [];
const DASH: readonly number[] = [6, 3];
const SHORT_DASH: readonly number[] = [3, 2];
const DOT: readonly number[] = [1.5, 2.5];
const DASH_DOT: readonly number[] = [7, 3, 1.5, 3];
const LONG_DASH: readonly number[] = [11, 4];
const LONG_DASH_DOT: readonly number[] = [11, 3, 1.5, 3];

function style(label: string, colour: ColourToken, dash: readonly number[] = SOLID, width = 1.5): SeriesStyle {
  return { label, colour, dash, width };
}

const PATTERNS: Readonly<Record<LinePattern, readonly number[]>> = {
  solid: SOLID,
  dash: DASH,
  'short-dash': SHORT_DASH,
  'long-dash': LONG_DASH,
  'dash-dot': DASH_DOT,
  dot: DOT,
};

export const TERM_STYLES: Readonly<Record<Term, SeriesStyle>> = byTerm((term) => {
  const { label, line } = TERM_TABLE[term];
  return style(label, `--series-${line.colour}`, PATTERNS[line.pattern]);
});

export const STYLES = {
  total: style('Total', '--series-black', SOLID, 2),
  train: style('Training', '--series-green', SOLID),
  validation: style('Validation', '--series-blue', SOLID, 2),
  ood: style('OOD', '--series-orange', DASH, 2),
  lr: style('Learning rate', '--series-purple'),
  gradNorm: style('Gradient norm', '--series-vermillion'),
  clip: style('Clip', '--text-3', DASH, 1),
  chance: style('InfoNCE chance', '--series-vermillion', DOT, 1),
  predictions: style('Predictions', '--series-yellow', SOLID, 2),
  targets: style('Targets', '--series-black', DASH, 1.25),
  rowsPerSecond: style('Rows/s', '--series-sky'),
} as const satisfies Record<string, SeriesStyle>;

const BASELINE_DASHES: Readonly<Record<BaselineName, readonly number[]>> = {
  contextMean: DASH,
  lastVector: DOT,
  weightedMean: DASH_DOT,
  ridge: LONG_DASH,
  pooledRidge: LONG_DASH_DOT,
  shuffled: SHORT_DASH,
};

/** The colour of the rows it was measured on, with a line style of its own. */
export function baselineStyle(name: BaselineName, rows: 'validation' | 'ood'): SeriesStyle {
  const where = rows === 'ood' ? 'OOD' : 'val';
  return style(`${BASELINE_LABELS[name]}, ${where}`, STYLES[rows].colour, BASELINE_DASHES[name], 1);
}

const RUN_COLOURS: readonly ColourToken[] = [
  '--series-blue',
  '--series-vermillion',
  '--series-green',
  '--series-purple',
  '--series-orange',
  '--series-sky',
  '--series-yellow',
  '--series-black',
];
const RUN_DASHES: readonly (readonly number[])[] = [SOLID, DASH, DOT, DASH_DOT];

/** Style of the i-th run on one page: neighbours differ in colour and in line, and no two of the first 32 are alike. */
export function runStyle(index: number, label: string): SeriesStyle {
  const round = Math.floor(index / RUN_COLOURS.length);
  return style(label, RUN_COLOURS[index % RUN_COLOURS.length], RUN_DASHES[(index + round) % RUN_DASHES.length], 1.75);
}

/** A CSS value for the colour. */
export function cssColour(of: Pick<SeriesStyle, 'colour'>): string {
  return `var(${of.colour})`;
}
