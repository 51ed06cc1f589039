/**
 * Compares runs with a baseline run (the first): figures with deltas and percent, what differs in recipe, data, code and
 * engine, and what explains the difference. Pure. Not here: comparing two data sets (`passport.ts`), curves.
 */
import { isSameTask, taskText } from '../datasets/task.ts';
import { figure, percent, signed } from '../figures.ts';
import { holdsZero, signedInterval, type Interval } from './interval.ts';
import { RECIPE_FIELDS, recipeDiff, valueAt } from '../recipe/recipe-fields.ts';
import { balanceVerdict } from '../verdicts/verdicts-model.ts';
import {
  figureInterval,
  figuresOf,
  type ComparableRun,
  type DifferenceRow,
  type Fact,
  type PairedDifference,
  type RunComparison,
  type RunFigure,
  type RunVerdict,
  type RunVerdictCode,
} from './comparison.ts';

/** Smaller differences of a cosine are not worth explaining; seeds of one recipe differ by about this. */
const NOTICEABLE = 0.005;
/** Fields that decide how fast or where a run computes, not what it should reach. */
const IMMATERIAL = new Set(['engine', 'threads', 'device', 'gates']);

/** Compares runs with the first of them. Needs at least two. `differences`: entry i of run i. */
export function compareRuns(
  runs: readonly ComparableRun[],
  differences: readonly (PairedDifference | null)[] = [],
): RunComparison {
  const [base, ...others] = runs;
  if (base === undefined || others.length === 0) throw new RangeError('A comparison needs at least two runs.');
  const recipeRows = recipeDifferences(runs);
  return {
    runs: runs.map(({ id, number, name, status }) => ({ id, number, name, status })),
    metrics: figuresOf(runs).map(([metric, label, better]) => metricRow(runs, metric, label, better, differences)),
    recipeDiff: recipeRows,
    dataDiff: factDifferences(runs.map((run) => run.data)),
    codeDiff: factDifferences(runs.map((run) => run.code)),
    identicalRecipes: recipeRows.length === 0,
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

function recipeDifferences(runs: readonly ComparableRun[]): DifferenceRow[] {
  const [base, ...others] = runs;
  const paths = new Map(others.flatMap((run) => recipeDiff(base.recipe, run.recipe).map((d) => [d.path, d.label])));
  const order = ['dataset', 'ood', ...RECIPE_FIELDS.map((field) => field.path), 'schedule', 'gates'];
  return [...paths]
    .toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([path, label]) => ({ field: path, label, values: runs.map((run) => valueAt(run.recipe, path) ?? null) }));
}

/** Facts that are not the same for all runs; one record a run. */
function factDifferences(facts: readonly Readonly<Record<string, Fact>>[]): DifferenceRow[] {
  const names = [...new Set(facts.flatMap((record) => Object.keys(record)))];
  return names
    .map((name) => ({ field: name, label: name, values: facts.map((record) => record[name] ?? null) }))
    .filter((row) => row.values.some((value) => value !== row.values[0]));
}

/** What explains the difference between a run and the baseline run, most telling first. */
function explain(base: ComparableRun, run: ComparableRun, interval: Interval | null): RunVerdict[] {
  const about = (
    code: RunVerdictCode,
    severity: RunVerdict['severity'],
    message: string,
    evidence: RunVerdict['evidence'] = {},
  ): RunVerdict => ({ code, severity, runId: run.id, message, evidence });
  const delta = difference(run.figures.valCosine, base.figures.valCosine);
  const names = `#${run.number} against #${base.number}`;
  if (delta === null) {
    return [
      about('NOT_FINISHED', 'info', `${names}: one of them has no validation cosine yet, so nothing can be explained.`),
    ];
  }
  const otherTask = taskExplains(about, base, run, delta);
  if (otherTask) return [otherTask];
  const changed = recipeDiff(base.recipe, run.recipe).filter((d) => !IMMATERIAL.has(d.path));
  const data = factDifferences([base.data, run.data]);
  const code = factDifferences([base.code, run.code]);
  const evidence = {
    valCosineDelta: delta,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    oodCosineDelta: difference(run.figures.oodCosine, base.figures.oodCosine),
  };
  const verdicts: RunVerdict[] = [];
  if (changed.length === 0)
    verdicts.push(
      identical(
        about,
        base,
        run,
        delta,
        data.length,
        code.map((row) => row.label),
      ),
    );
  else if (isSame(delta, interval)) {
    const why =
      interval && holdsZero(interval) ? 'not distinguishable on these windows' : 'within what seeds differ by';
    verdicts.push(
      about(
        'SAME_RESULT',
        'info',
        `${names}: validation ${signedInterval(delta, interval)}, ${why}, although ${list(changed.map((d) => d.label))} changed.`,
        evidence,
      ),
    );
  }
  verdicts.push(...balanceExplains(about, base, run, delta), ...dataExplains(about, base, run, delta, data));
  if (changed.length > 0 && !isSame(delta, interval))
    verdicts.push(changesExplain(about, names, changed, delta, evidence));
  return verdicts;
}

/** Runs of different tasks say which inputs are worth having; null: the same task, or not known. */
function taskExplains(about: About, base: ComparableRun, run: ComparableRun, delta: number): RunVerdict | null {
  if (run.task === null || base.task === null || isSameTask(run.task, base.task)) return null;
  return about(
    'DIFFERENT_TASK',
    'warning',
    `#${run.number} solves another task than #${base.number}: it reads ${taskText(run.task)}, #${base.number} ${taskText(base.task)}. ${signed(delta)} in validation says what the inputs are worth, not which model or recipe is better.`,
    { valCosineDelta: delta, task: taskText(run.task), baseTask: taskText(base.task) },
  );
}

/** Too small a difference, or one whose interval holds 0. */
function isSame(delta: number, interval: Interval | null): boolean {
  return Math.abs(delta) < NOTICEABLE || (interval !== null && holdsZero(interval));
}

type About = (
  code: RunVerdictCode,
  severity: RunVerdict['severity'],
  message: string,
  evidence?: RunVerdict['evidence'],
) => RunVerdict;

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

function identical(
  about: About,
  base: ComparableRun,
  run: ComparableRun,
  delta: number,
  dataChanges: number,
  code: readonly string[],
): RunVerdict {
  const same = `#${base.number} and #${run.number} have identical recipes`;
  const evidence = { valCosineDelta: delta, dataChanges, codeChanges: code.length };
  if (dataChanges > 0)
    return about(
      'IDENTICAL_RECIPES',
      'info',
      `${same}; their data differ, and so must explain ${signed(delta)}.`,
      evidence,
    );
  if (Math.abs(delta) < 1e-9)
    return about('IDENTICAL_RECIPES', 'info', `${same}, data included, and the same result.`, evidence);
  if (code.length > 0)
    return about(
      'IDENTICAL_RECIPES',
      'info',
      `${same} and data; ${list(code)} differ${code.length === 1 ? 's' : ''} and explain${code.length === 1 ? 's' : ''} ${signed(delta)}.`,
      evidence,
    );
  const why =
    base.deterministic && run.deterministic
      ? 'The engine is deterministic, so something that is not recorded changed: treat both figures with suspicion.'
      : 'The engine does not promise the same bits twice; this is its noise.';
  return about(
    'UNEXPLAINED',
    base.deterministic && run.deterministic ? 'warning' : 'info',
    `${same}, data and code, yet differ by ${signed(delta)}. ${why}`,
    evidence,
  );
}

function balanceExplains(about: About, base: ComparableRun, run: ComparableRun, delta: number): RunVerdict[] {
  const of = (r: ComparableRun) => (r.terms ? balanceVerdict(r.terms, r.recipe.lambda) : null);
  const [worse, better] = delta < 0 ? [run, base] : [base, run];
  const found = of(worse);
  if (found === null || of(better) !== null || Math.abs(delta) < NOTICEABLE) return [];
  return [
    about(
      'LOSS_OUT_OF_BALANCE',
      'warning',
      `#${worse.number} is the lower one by ${figure(Math.abs(delta))}. ${found.message}`,
      { ...found.evidence, valCosineDelta: delta },
    ),
  ];
}

function dataExplains(
  about: About,
  base: ComparableRun,
  run: ComparableRun,
  delta: number,
  rows: readonly DifferenceRow[],
): RunVerdict[] {
  if (rows.length === 0) return [];
  const moved = difference(run.figures.baselineVal, base.figures.baselineVal);
  const labels = list(rows.map((row) => row.label));
  if (moved === null)
    return [
      about('DIFFERENT_DATA', 'info', `The data differ (${labels}); absolute cosines of the two cannot be compared.`),
    ];
  const evidence = { valCosineDelta: delta, baselineDelta: moved };
  if (Math.abs(delta) >= NOTICEABLE && Math.abs(delta - moved) <= Math.max(NOTICEABLE, 0.35 * Math.abs(delta))) {
    return [
      about(
        'HARDER_DATA',
        'info',
        `The mean of the context moved by ${signed(moved)}, the model by ${signed(delta)}: the data explain the difference, not the training.`,
        evidence,
      ),
    ];
  }
  return [
    about(
      'DIFFERENT_DATA',
      'info',
      `The data differ (${labels}); the mean of the context moved by ${signed(moved)}, the model by ${signed(delta)}. Compare lift.`,
      evidence,
    ),
  ];
}

function changesExplain(
  about: About,
  names: string,
  changed: readonly { path: string; label: string; a: unknown; b: unknown }[],
  delta: number,
  evidence: RunVerdict['evidence'],
): RunVerdict {
  const words = changed.map((d) => `${d.label} ${show(d.a)} → ${show(d.b)}`);
  if (changed.length === 1 && changed[0].path === 'seed') {
    return about(
      'ONLY_SEED',
      'info',
      `${names}: only the seed differs, so ${signed(delta)} is the spread of seeds (split and initial weights).`,
      evidence,
    );
  }
  if (changed.length === 1) {
    return about(
      'ONE_CHANGE',
      'info',
      `${names}: only ${words[0]} differs, so it explains ${signed(delta)} in validation cosine, as far as one seed each can show.`,
      evidence,
    );
  }
  return about(
    'SEVERAL_CHANGES',
    'warning',
    `${names}: ${changed.length} things changed at once (${words.join('; ')}); ${signed(delta)} cannot be put down to one of them. Change one at a time.`,
    evidence,
  );
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

/** A delta with its percentage of the baseline, for tables. */
export function deltaText(delta: number | null, share: number | null): string {
  return delta === null
    ? ''
    : `${signed(delta)}${share === null ? '' : ` (${share > 0 ? '+' : ''}${percent(share / 100, 1)})`}`;
}
