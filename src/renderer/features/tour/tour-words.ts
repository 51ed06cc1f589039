/** What each step of the tour says, before and after it was taken, in figures of its own runs. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { bestBaseline } from '#shared/domain/evaluation/evaluation.ts';
import { holdsZero, signedInterval } from '#shared/domain/evaluation/interval.ts';
import { count, figure, signed } from '#shared/domain/figures.ts';
import { BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import type { GateMetric } from '#shared/domain/recipe/recipe.ts';

export const STEP_KEYS = ['mse', 'baselines', 'proposed', 'leaking', 'encoder', 'robust', 'report'] as const;
export type StepKey = (typeof STEP_KEYS)[number];

interface StepText {
  readonly title: string;
  readonly text: string;
  readonly action: string;
}

export const STEP_TEXTS: Readonly<Record<StepKey, StepText>> = {
  mse: {
    title: 'Retrain with MSE only',
    text: 'The usual recipe: AMN, mean squared error, five epochs on sentences of speeches. A tenth of the speeches is held out for validation; a novel is the out-of-distribution (OOD) set.',
    action: 'Retrain',
  },
  baselines: {
    title: 'Look at OOD and at the baselines',
    text: 'A cosine means little alone. Evaluate the run on the novel, beside predictions that need no training: the mean of the context, its last vector, a ridge regression.',
    action: 'Evaluate on the OOD set',
  },
  proposed: {
    title: 'Try the proposed fix',
    text: 'A common proposal: give InfoNCE the same weight as MSE, λ = 0.5 each. The loss balance says what equal weights amount to.',
    action: 'Retrain with 0.5 / 0.5',
  },
  leaking: {
    title: 'Make the split leak',
    text: 'Windows of one speech overlap. Drawn at random, validation windows share vectors with training windows. Retrain the recipe of step 1 on such a split.',
    action: 'Retrain on a random split',
  },
  encoder: {
    title: 'Feed it vectors of another encoder',
    text: 'Suppose the novel had been embedded by another encoder. The program makes such a set by turning all its vectors with one orthogonal map: norms and cosines within the set stay the same.',
    action: 'Make the set and evaluate on it',
  },
  robust: {
    title: 'Train the robust model',
    text: 'The preset Robust, a Gram mixture: ridges, neighbours and the context, mixed by a gate that sees how vectors lie to each other, never a vector itself.',
    action: 'Train it',
  },
  report: {
    title: 'Write the report',
    text: 'The plan of this tour ends with a report: all runs, their gates, and the claim made before training that the robust model beats every baseline.',
    action: 'Write the report',
  },
};

/** Runs and evaluations of the tour so far; null: not there yet. */
export interface TourFacts {
  readonly mse: RunSummary | null;
  readonly proposed: RunSummary | null;
  readonly leaking: RunSummary | null;
  readonly robust: RunSummary | null;
  /** Of the run with MSE only. */
  readonly onOod: Evaluation | null;
  readonly onTurned: Evaluation | null;
  /** Share of the gradient that InfoNCE had in the last epoch of the proposed recipe. */
  readonly infoShare: number | null;
  readonly reportPath: string | null;
}

/** "0.1787 below the mean of its context" */
function against(lift: number | null, what: string): string {
  if (lift === null) return `not measured against ${what}`;
  return `${figure(Math.abs(lift))} ${lift < 0 ? 'below' : 'above'} ${what}`;
}

function mseWords({ mse }: TourFacts): string[] {
  if (!mse?.best) return [];
  return [
    `Validation cosine ${figure(mse.best.valCosine)}. On its own that looks like a model which has learned something.`,
  ];
}

function baselineWords({ onOod }: TourFacts): string[] {
  if (!onOod) return [];
  const { cosine, baselines, lift } = onOod;
  const best = bestBaseline(baselines);
  return [
    `On the novel it has ${figure(cosine.mean)}: ${against(lift.contextMean, 'the mean of the context')}, which has ${figure(baselines.contextMean)} and needs no training.`,
    ...(best ? [`The best baseline is ${BASELINE_LABELS[best.name].toLowerCase()} with ${figure(best.cosine)}.`] : []),
  ];
}

function proposedWords({ mse, proposed, infoShare }: TourFacts): string[] {
  if (!proposed?.best) return [];
  const before = mse?.best?.valCosine ?? null;
  const change = before === null ? '' : `, ${signed(proposed.best.valCosine - before)} to MSE only`;
  return [
    ...(infoShare === null
      ? []
      : [`InfoNCE has ${figure(100 * infoShare, 1)} % of the gradient: equal λ are not equal weights.`]),
    `Validation ${figure(proposed.best.valCosine)}${change}; OOD ${figure(proposed.best.oodCosine)}, ${against(proposed.oodLift, 'the mean of the context')}.`,
  ];
}

function leakingWords({ mse, leaking }: TourFacts): string[] {
  if (!leaking?.best || !mse?.best) return [];
  const shared = leaking.splitProof?.sharedVectors ?? null;
  const [val, ood] = [leaking.best.valCosine - mse.best.valCosine, difference(leaking, mse)];
  return [
    `${count(shared)} vectors stand on both sides of the split; by article it was ${count(mse.splitProof?.sharedVectors)}.`,
    `Validation ${figure(leaking.best.valCosine)} (${signed(val)}), OOD ${figure(leaking.best.oodCosine)} (${signed(ood)}).`,
    ...(val > 0 && (ood ?? 0) <= 0 ? ['The better validation is the leak: on the novel nothing was gained.'] : []),
  ];
}

function difference(a: RunSummary, b: RunSummary): number | null {
  const [x, y] = [a.best?.oodCosine ?? null, b.best?.oodCosine ?? null];
  return x === null || y === null ? null : x - y;
}

function encoderWords({ onOod, onTurned }: TourFacts): string[] {
  if (!onTurned) return [];
  const { space } = onTurned;
  return [
    `The passport of the set looks the same, and its mean of the context has ${figure(onTurned.baselines.contextMean)} as before. Run #${onTurned.runNumber} has ${figure(onTurned.cosine.mean)} on it${onOod ? `, and ${figure(onOod.cosine.mean)} on the set of its own encoder` : ''}.`,
    ...(space ? [`The check of the vector space says: ${space.verdict}. ${space.reasons.join(' ')}`] : []),
  ];
}

function robustWords({ robust }: TourFacts): string[] {
  if (!robust?.best) return [];
  const lifts = [
    bestLift(robust, 'valBestLift', 'in validation'),
    bestLift(robust, 'oodBestLift', 'out of distribution'),
  ];
  return [
    `Over the best baseline: ${lifts.map(({ words }) => words).join(', ')}.`,
    ...(lifts.every(({ above }) => above) ? ['Both intervals lie above 0: it beats every baseline.'] : []),
  ];
}

function bestLift(run: RunSummary, metric: GateMetric & ('valBestLift' | 'oodBestLift'), where: string) {
  const interval = run.best?.intervals?.[metric] ?? null;
  const above = (run[metric] ?? 0) > 0 && interval !== null && !holdsZero(interval);
  return { words: `${signedInterval(run[metric], interval)} ${where}`, above };
}

/** What a step has shown; empty before it was taken. */
export function stepWords(key: StepKey, facts: TourFacts): string[] {
  switch (key) {
    case 'mse':
      return mseWords(facts);
    case 'baselines':
      return baselineWords(facts);
    case 'proposed':
      return proposedWords(facts);
    case 'leaking':
      return leakingWords(facts);
    case 'encoder':
      return encoderWords(facts);
    case 'robust':
      return robustWords(facts);
    case 'report':
      return facts.reportPath === null ? [] : [`Written to ${facts.reportPath}.`];
  }
}
