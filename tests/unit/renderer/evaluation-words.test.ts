import { describe, expect, it } from 'vitest';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { namedOffsets, VERDICT_CODES, type Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { evaluationChoices, evaluationOf } from '../../../src/renderer/features/evaluation/choices.ts';
import {
  ablationRows,
  evidenceRows,
  figureGroups,
  ignoresOrder,
  offsetRows,
  VERDICT_TITLES,
} from '../../../src/renderer/parts/evaluation-words.ts';

const NOTHING = {
  mse: null,
  diversity: { predictions: null, targets: 0.9 },
  effectiveRank: { predictions: null, targets: null },
  spreadRatio: null,
  rawNorm: null,
  margin: null,
  beyondContext: null,
  signFlipped: null,
  withinArticle: { r1: null, r5: null, mrr: null, ranked: 0, candidates: null },
  alignment: { checked: 0, agreeing: null, successorCosine: null, targetInContext: null },
  offsets: { '0': 0.4, '-1': 0.3, target: 0.5, '-2': null },
  contextMeanOffsets: { '0': 0.6, '-1': 0.7, '-2': 0.8, target: 0.4 },
  orderAblations: { base: 0.5, shuffled: 0.5, reversed: 0.5, leaveOneOut: [0.49, null, 0.4] },
} as unknown as Evaluation;

describe('figures of an evaluation', () => {
  it('shows "not measured" for null figures, never 0', () => {
    const values = figureGroups(NOTHING).flatMap((group) => group.figures.map((f) => f.value));
    expect(values.length).toBeGreaterThan(10);
    expect(new Set(values)).toEqual(new Set(['not measured']));
  });

  it('orders the offsets from the first position to the target', () => {
    expect(offsetRows(NOTHING).map((row) => [row.label, row.model])).toEqual([
      ['2 before', null],
      ['1 before', 0.3],
      ['Last', 0.4],
      ['Target', 0.5],
    ]);
  });

  it('names the inputs of history', () => {
    const task = { context: 1, history: 8 };
    expect(offsetRows({ ...NOTHING, task }).map(({ label }) => label)).toEqual([
      'Article mean',
      'History mean',
      'Last',
      'Target',
    ]);
    expect(ablationRows({ ...NOTHING, task }).map(({ label }) => label)).toContain('Without the article mean');
    expect(namedOffsets({ ...NOTHING, task }).map(([name]) => name)).toEqual([
      'article mean',
      'history mean',
      '0',
      'target',
    ]);
  });

  it('compares each context change with the original order', () => {
    const rows = ablationRows(NOTHING);
    expect(rows.map((row) => row.label)).toEqual([
      'As it is',
      'Shuffled',
      'Reversed',
      'Without 2 before',
      'Without 1 before',
      'Without the last',
    ]);
    expect(rows.map((row) => row.change)).toEqual([null, 0, 0, expect.closeTo(-0.01), null, expect.closeTo(-0.1)]);
    expect(ignoresOrder(NOTHING)).toBe(true);
    const ordered = { ...NOTHING, orderAblations: { ...NOTHING.orderAblations, shuffled: 0.46 } };
    expect(ignoresOrder(ordered)).toBe(false);
  });

  it('has a title and evidence text for every verdict', () => {
    expect(VERDICT_CODES.filter((code) => !VERDICT_TITLES[code])).toEqual([]);
    const evidence = { sharedVectors: 1204, meanCosine: 0.12345, inArticle: true, where: 'OOD', lift: null };
    expect(evidenceRows({ code: 'OVERFIT', severity: 'info', message: '', evidence })).toEqual([
      ['shared vectors', '1,204'],
      ['mean cosine', '0.1235'],
      ['in article', 'yes'],
      ['where', 'OOD'],
      ['lift', 'not measured'],
    ]);
  });
});

describe('what a run can be evaluated on', () => {
  const set = (id: string, { T = 5, D = 768 }: Partial<Dataset> = {}) =>
    ({ id, name: id, T, D, passport: { T, history: null } }) as Dataset;
  const run = { recipe: { dataset: 'train', ood: 'ood' } } as RunSummary;

  it('offers its validation windows, then its OOD set, then the rest; unusable sets give the reason', () => {
    const choices = evaluationChoices(run, [set('narrow', { D: 16 }), set('ood'), set('long', { T: 8 }), set('train')]);
    expect(choices.map((c) => c.value)).toEqual([
      'train validation',
      'ood all',
      'train train',
      'train all',
      'narrow all',
      'long all',
    ]);
    expect(choices.map((c) => c.problem)).toEqual(['', '', '', '', 'width 16, not 768', '8 chunks, not 5 chunks']);
  });

  it('shows the newest evaluation of that part only', () => {
    const of = (id: string, part: string, at: number) => ({ data: { id, part }, evaluatedAt: at }) as Evaluation;
    const list = [of('train', 'train', 3), of('train', 'validation', 2), of('train', 'validation', 1)];
    const [validation, ood] = evaluationChoices(run, [set('train'), set('ood')]);
    expect(evaluationOf(list, validation)?.evaluatedAt).toBe(2);
    expect(evaluationOf(list, ood)).toBeNull();
  });
});
