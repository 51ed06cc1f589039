/** What explains the difference of two runs, as verdicts. Not here: figures and tables of a comparison (`compare-runs.ts`). */
import { isSameTask, taskText } from '../datasets/task.ts';
import { figure, listed, signed } from '../figures.ts';
import { isImmaterial, type FieldDifference } from '../recipe/recipe-diff.ts';
import { balanceVerdict } from '../verdicts/verdicts-model.ts';
import type { ComparableRun, DifferenceRow, RunVerdict, RunVerdictCode } from './comparison.ts';
import { factDifferences, recipeChanges } from './differences.ts';
import { holdsZero, signedInterval, type Interval } from './interval.ts';

/** Smaller differences of a cosine are not worth explaining; seeds of one recipe differ by about this. */
const NOTICEABLE = 0.005;

/** What explains the difference between a run and the baseline run, most telling first. */
export function explain(base: ComparableRun, run: ComparableRun, interval: Interval | null): RunVerdict[] {
  const about: About = (code, severity, message, evidence = {}) => ({
    code,
    severity,
    runId: run.id,
    message,
    evidence,
  });
  const delta = difference(run.figures.valCosine, base.figures.valCosine);
  if (delta === null) {
    const message = `#${run.number} against #${base.number}: one of them has no validation cosine yet, so nothing can be explained.`;
    return [about('NOT_FINISHED', 'info', message)];
  }
  const otherTask = taskExplains(about, base, run, delta);
  if (otherTask) return [otherTask];
  const changed = recipeChanges(base, run).filter((d) => !isImmaterial(d));
  const data = factDifferences([base.data, run.data]);
  const evidence = {
    valCosineDelta: delta,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    oodCosineDelta: difference(run.figures.oodCosine, base.figures.oodCosine),
  };
  const others = [...balanceExplains(about, base, run, delta), ...dataExplains(about, base, run, delta, data)];
  if (base.isImported || run.isImported) return [partlyStated(about, base, run, changed, evidence), ...others];
  if (changed.length === 0) return [identical(about, base, run, delta, data.length), ...others];
  const names = `#${run.number} against #${base.number}`;
  if (isSame(delta, interval)) return [sameResult(about, names, changed, { delta, interval }, evidence), ...others];
  return [...others, changesExplain(about, names, changed, delta, evidence)];
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
): RunVerdict {
  const code = factDifferences([base.code, run.code]).map(({ label }) => label);
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
      `${same} and data; ${listed(code)} differ${code.length === 1 ? 's' : ''} and explain${code.length === 1 ? 's' : ''} ${signed(delta)}.`,
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

function sameResult(
  about: About,
  names: string,
  changed: readonly FieldDifference[],
  { delta, interval }: { readonly delta: number; readonly interval: Interval | null },
  evidence: RunVerdict['evidence'],
): RunVerdict {
  const isUnclear = interval !== null && holdsZero(interval);
  const why = isUnclear ? 'not distinguishable on these windows' : 'within what seeds differ by';
  return about(
    'SAME_RESULT',
    'info',
    `${names}: validation ${signedInterval(delta, interval)}, ${why}, although ${listed(changed.map((d) => d.label))} changed.`,
    evidence,
  );
}

/** A run whose recipe is known in part can differ in any other field, so nothing is put down to those that are known. */
function partlyStated(
  about: About,
  base: ComparableRun,
  run: ComparableRun,
  changed: readonly FieldDifference[],
  evidence: RunVerdict['evidence'],
): RunVerdict {
  const imported = [base, run].filter(({ isImported }) => isImported).map(({ number }) => `#${number}`);
  const known =
    changed.length === 0 ? 'what is stated is the same' : `known to differ: ${listed(changed.map((d) => d.label))}`;
  return about(
    'PARTLY_STATED',
    'info',
    `${listed(imported)} ${imported.length === 1 ? 'was' : 'were'} imported with part of the recipe; ${known}. The rest may differ too, and may explain the difference.`,
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
  const labels = listed(rows.map((row) => row.label));
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
  changed: readonly FieldDifference[],
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
