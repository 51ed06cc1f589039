/** The diagnostics of one evaluation as table rows: question, measurement, reading. */
import { namedInputs } from '#shared/domain/datasets/task.ts';
import { namedOffsets, type Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { count, figure, percent, signed } from '#shared/domain/figures.ts';
import type { ReportRun } from './input.ts';

type Row = readonly [question: string, measured: string, reading: string];

/** Every diagnostic of an evaluation, including those not measured. */
export function diagnosticRows(measured: Evaluation, of: ReportRun): Row[] {
  const { parity, space } = measured;
  return [
    [
      'Parity: same forward pass as in training?',
      `golden |Δ| ${figure(parity.goldenMaxAbs)}, validation Δ ${signed(parity.valCosineDelta)}`,
      parity.ok ? 'reproduced' : 'NOT reproduced',
    ],
    [
      'Leak: do training and validation share anything?',
      of.split === null
        ? figure(null)
        : `${count(of.split.sharedVectors)} vectors, ${count(of.split.sharedArticles)} articles`,
      of.split === null ? '' : (of.split.sharedVectors ?? 0) > 0 ? 'leaks' : 'clean',
    ],
    ['Space: are these vectors of the training encoder?', spaceText(measured), space?.verdict ?? ''],
    ['Alignment: is the target what follows the context?', alignmentText(measured), ''],
    [
      'Offsets: where is the prediction nearest?',
      namedOffsets(measured)
        .map(([k, v]) => `${k}: ${figure(v, 3)}`)
        .join(', '),
      '',
    ],
    [
      'Sign: does it point away from the target?',
      measured.signFlipped === null ? figure(null) : measured.signFlipped ? 'yes' : 'no',
      '',
    ],
    ...shapeRows(measured),
    ...orderRows(measured),
  ];
}

function spaceText({ space, data }: Evaluation): string {
  if (space === null) return data.part === 'all' ? figure(null) : "the run's own set";
  return `mean directions ${figure(space.meanDirectionCosine, 3)}, subspaces ${figure(space.subspaceOverlap, 3)}`;
}

function alignmentText({ alignment }: Evaluation): string {
  return alignment.agreeing === null
    ? figure(null)
    : `${percent(alignment.agreeing)} of ${count(alignment.checked)} windows that can be checked`;
}

function beside({ predictions, targets }: Evaluation['diversity'], digits: number): string {
  return `${figure(predictions, digits)} against ${figure(targets, digits)} of the targets`;
}

function shapeRows(m: Evaluation): Row[] {
  return [
    [
      'Beyond the context: does the model add anything?',
      figure(m.beyondContext),
      (m.beyondContext ?? 1) < 0.02 ? 'nothing that helps' : '',
    ],
    ['Diversity: do the predictions differ?', beside(m.diversity, 3), ''],
    ['Effective rank: in how many directions?', beside(m.effectiveRank, 1), ''],
    [
      'Spread and length of the output',
      `spread ratio ${figure(m.spreadRatio, 3)}, raw norm ${figure(m.rawNorm, 3)}`,
      '',
    ],
    [
      'Margin: nearer to the target than to the last vector?',
      signed(m.margin),
      (m.margin ?? 0) < 0 ? 'no: nearer to the last vector' : '',
    ],
    [
      'Rank of the target inside its article',
      `R@1 ${percent(m.withinArticle.r1, 1)}, R@5 ${percent(m.withinArticle.r5, 1)}, MRR ${figure(m.withinArticle.mrr, 3)}`,
      `${count(m.withinArticle.ranked)} predictions`,
    ],
  ];
}

function orderRows(m: Evaluation): Row[] {
  const { base, shuffled, reversed, leaveOneOut } = m.orderAblations;
  const change = (value: number | null) => (value === null || base === null ? figure(null) : signed(value - base));
  const blind = shuffled !== null && base !== null && Math.abs(shuffled - base) < 1e-5;
  return [
    [
      'Order: does the model use it?',
      `shuffled ${change(shuffled)}, reversed ${change(reversed)}`,
      blind ? 'blind to order' : '',
    ],
    [
      'Leave one out: which position counts?',
      leaveOneOut.length === 0 ? figure(null) : namedInputs(leaveOneOut.map(change), m.task).join(', '),
      'first position first',
    ],
  ];
}
