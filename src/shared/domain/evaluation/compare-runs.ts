/**
 * Compares runs with a baseline run (the first): figures with deltas and percent, what differs in recipe, data, code and
 * engine (`differences.ts`), and what explains it (`explain-difference.ts`). Pure. Not here: comparing two data sets
 * (`passport.ts`), curves.
 */
import { percent, signed } from '../figures.ts';
import {
  figureInterval,
  figuresOf,
  type ComparableRun,
  type PairedDifference,
  type RunComparison,
  type RunFigure,
} from './comparison.ts';
import { factDifferences, recipeDifferences } from './differences.ts';
import { explain } from './explain-difference.ts';

/** Compares runs with the first of them. Needs at least two. `differences`: entry i of run i. */
export function compareRuns(
  runs: readonly ComparableRun[],
  differences: readonly (PairedDifference | null)[] = [],
): RunComparison {
  const [base, ...others] = runs;
  if (base === undefined || others.length === 0) throw new RangeError('A comparison needs at least two runs.');
  const recipeRows = recipeDifferences(runs);
  const isPartial = runs.some(({ isImported }) => isImported);
  return {
    runs: runs.map(({ id, number, name, status }) => ({ id, number, name, status })),
    metrics: figuresOf(runs).map(([metric, label, better]) => metricRow(runs, metric, label, better, differences)),
    recipeDiff: recipeRows,
    dataDiff: factDifferences(runs.map((run) => run.data)),
    codeDiff: factDifferences(runs.map((run) => run.code)),
    identicalRecipes: recipeRows.length === 0 && !isPartial,
    isPartial,
    verdicts: others.flatMap((run, i) => explain(base, run, differences[i + 1]?.validation ?? null)),
  };
}

function metricRow(
  runs: readonly ComparableRun[],
  metric: RunFigure,
  label: string,
  better: 'higher' | 'lower' | 'none',
  differences: readonly (PairedDifference | null)[],
): RunComparison['metrics'][number] {
  const values = runs.map((run) => run.figures[metric]);
  const base = values[0];
  const deltas = values.map((value) => (value === null || base === null ? null : value - base));
  const percents = deltas.map((delta) =>
    delta === null || base === null || base === 0 ? null : (100 * delta) / Math.abs(base),
  );
  const part = PART_OF[metric];
  const intervals = runs.map((_, i) => (part ? (differences[i]?.[part] ?? null) : null));
  const valueIntervals = runs.map((run) => figureInterval(run, metric));
  return { metric, label, better, values, valueIntervals, deltas, percents, intervals };
}

/** On the same windows the baselines are the same, so lifts differ as cosines do. */
const PART_OF: Partial<Record<RunFigure, keyof PairedDifference>> = {
  valCosine: 'validation',
  valLift: 'validation',
  oodCosine: 'ood',
  oodLift: 'ood',
};

/** A delta with its percentage of the baseline, for tables. */
export function deltaText(delta: number | null, share: number | null): string {
  return delta === null
    ? ''
    : `${signed(delta)}${share === null ? '' : ` (${share > 0 ? '+' : ''}${percent(share / 100, 1)})`}`;
}
