/** Text and figure groups of an evaluation. Pure. */
import { figure, percent, signed } from '#shared/domain/figures.ts';
import type { Evaluation, Verdict, VerdictCode } from '#shared/domain/evaluation/evaluation.ts';
import { historyName, inputLabel, type Task } from '#shared/domain/datasets/task.ts';
import { offsetEntries } from '#shared/domain/evaluation/evaluation.ts';

export const VERDICT_TITLES: Readonly<Record<VerdictCode, string>> = {
  WRONG_FORWARD_PASS: 'Wrong forward pass',
  EVALUATION_BROKEN: 'Evaluation broken',
  EVALUATOR_FAULT: 'Evaluator fault',
  DIFFERENT_SPACE: 'Different vector space',
  SHIFTED_SPACE: 'Shifted space',
  SIGN_FLIP: 'Sign flipped',
  ALIGNMENT: 'Targets out of line',
  CONSTANT_COLLAPSE: 'Constant collapse',
  DIMENSIONAL_COLLAPSE: 'Dimensional collapse',
  LEAKED_SPLIT: 'Leaked split',
  OVERFIT: 'Over-fit',
  HARDER_DATA: 'Harder data',
  EASIER_OOD: 'Easier OOD set',
  LOSS_OUT_OF_BALANCE: 'Loss out of balance',
  BELOW_BASELINE: 'Below a baseline',
  NOT_DISTINGUISHABLE: 'Not distinguishable from a baseline',
};

/** The evidence of a verdict: ["shared vectors", "1,204"]. */
export function evidenceRows({ evidence }: Verdict): [string, string][] {
  return Object.entries(evidence).map(([key, value]) => [wordsOf(key), evidenceText(value)]);
}

function wordsOf(key: string): string {
  return key.replaceAll(/([a-z])([A-Z0-9])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

function evidenceText(value: Verdict['evidence'][string]): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  return value !== null && Number.isInteger(value) ? value.toLocaleString('en-US') : figure(value);
}

export interface ShownFigure {
  readonly label: string;
  readonly value: string;
  readonly help: string;
  readonly note?: string;
}

export interface ShownGroup {
  readonly title: string;
  readonly hint: string;
  readonly figures: readonly ShownFigure[];
}

const yesNo = (value: boolean | null) => (value === null ? 'not measured' : value ? 'yes' : 'no');
const ofTargets = (value: number | null, digits: number) => `targets ${figure(value, digits)}`;

function shapeGroup(e: Evaluation): ShownGroup {
  return {
    title: 'Shape of the predictions',
    hint: 'against the targets of the same rows',
    figures: [
      {
        label: 'Diversity',
        value: figure(e.diversity.predictions, 3),
        note: ofTargets(e.diversity.targets, 3),
        help: '1 minus the mean pairwise cosine. Far below the targets: the model says much the same to every context.',
      },
      {
        label: 'Effective rank',
        value: figure(e.effectiveRank.predictions, 1),
        note: ofTargets(e.effectiveRank.targets, 1),
        help: 'How many dimensions the predictions really use: e to the entropy of the covariance spectrum.',
      },
      {
        label: 'Spread ratio',
        value: figure(e.spreadRatio, 3),
        help: 'Standard deviation of the unit predictions over that of the targets, pooled over all dimensions; 1 is as spread out.',
      },
      {
        label: 'Raw norm',
        value: figure(e.rawNorm, 3),
        help: 'Mean length of the output before normalisation. MSE shrinks it towards the cosine.',
      },
    ],
  };
}

function contextGroup(e: Evaluation): ShownGroup {
  return {
    title: 'Beyond the context',
    hint: 'is it more than a copy?',
    figures: [
      {
        label: 'Margin',
        value: signed(e.margin),
        help: 'Cosine to the target minus cosine to the last context vector. Negative: the prediction is nearer to what it was given.',
      },
      {
        label: 'Beyond context',
        value: figure(e.beyondContext),
        help: 'Cosine of prediction and target after both lose what lies in the span of the context: what the model adds.',
      },
      {
        label: 'Sign flipped',
        value: yesNo(e.signFlipped),
        help: 'Whether the prediction points away from the target, so that turning it round would help.',
      },
      {
        label: 'MSE',
        value: figure(e.mse),
        help: 'Mean squared difference of the unit prediction and the target over all numbers.',
      },
    ],
  };
}

function rankGroup({ withinArticle: w }: Evaluation): ShownGroup {
  const note = w.ranked > 0 ? `${w.ranked.toLocaleString('en-US')} ranked, ${figure(w.candidates, 1)} candidates` : '';
  return {
    title: 'Rank inside the article',
    hint: note,
    figures: [
      { label: 'R@1', value: percent(w.r1, 1), help: 'Share whose nearest vector of the same article is the target.' },
      {
        label: 'R@5',
        value: percent(w.r5, 1),
        help: 'Share whose five nearest vectors of the article hold the target.',
      },
      { label: 'MRR', value: figure(w.mrr, 3), help: 'Mean of 1 over the rank of the target inside its article.' },
    ],
  };
}

function alignmentGroup({ alignment: a }: Evaluation): ShownGroup {
  return {
    title: 'Alignment of the set',
    hint: 'measured on the set alone',
    figures: [
      {
        label: 'Successor agrees',
        value: percent(a.agreeing, 1),
        note: a.checked > 0 ? `${a.checked.toLocaleString('en-US')} checked` : undefined,
        help: 'Share of windows whose target is what follows their last vector elsewhere in the set.',
      },
      {
        label: 'Cosine to it',
        value: figure(a.successorCosine),
        help: 'Mean cosine of the prediction to that successor.',
      },
      {
        label: 'Target in context',
        value: percent(a.targetInContext, 1),
        help: 'Share of windows whose target is one of their own context vectors.',
      },
    ],
  };
}

export function figureGroups(e: Evaluation): ShownGroup[] {
  return [shapeGroup(e), contextGroup(e), rankGroup(e), alignmentGroup(e)];
}

export interface OffsetRow {
  readonly label: string;
  readonly model: number | null;
  readonly contextMean: number | null;
  readonly isTarget: boolean;
}

/** The offset sweep, first position first and the target last. */
export function offsetRows(e: Evaluation): OffsetRow[] {
  const T = Object.keys(e.offsets).length - 1;
  return offsetEntries(e.offsets).map(([key, model], t) => ({
    label: key === 'target' ? 'Target' : inputLabel(t, T, e.task),
    model,
    contextMean: e.contextMeanOffsets[key] ?? null,
    isTarget: key === 'target',
  }));
}

export interface AblationRow {
  readonly label: string;
  readonly cosine: number | null;
  /** Difference to the unchanged order; null for that row or where either was not measured. */
  readonly change: number | null;
}

export function ablationRows({ orderAblations: o, task }: Evaluation): AblationRow[] {
  const row = (label: string, cosine: number | null): AblationRow => ({
    label,
    cosine,
    change: cosine === null || o.base === null ? null : cosine - o.base,
  });
  const T = o.leaveOneOut.length;
  return [
    { label: 'As it is', cosine: o.base, change: null },
    row('Shuffled', o.shuffled),
    row('Reversed', o.reversed),
    ...o.leaveOneOut.map((cosine, t) => row(withoutInput(t, T, task), cosine)),
  ];
}

function withoutInput(t: number, T: number, task: Task | null): string {
  const isSingular = t === T - 1 || historyName(t, task) !== null;
  return `Without ${isSingular ? 'the ' : ''}${inputLabel(t, T, task).toLowerCase()}`;
}

/** Whether shuffling the context changes nothing. */
export function ignoresOrder({ orderAblations: { base, shuffled, reversed } }: Evaluation): boolean {
  if (base === null || shuffled === null || reversed === null) return false;
  return Math.abs(shuffled - base) < 1e-5 && Math.abs(reversed - base) < 1e-5;
}
