/** Requests of the Predict page, from its input fields. */
import { expect, it } from 'vitest';
import type { PredictedRow } from '#shared/contract/inference.ts';
import type { ModelType } from '#shared/domain/models/models.ts';
import { askedSource, type PredictFields } from '../../../src/renderer/features/predict/predict-source.ts';
import {
  baselineFigures,
  contextRows,
  placeWords,
  rowWords,
} from '../../../src/renderer/features/predict/prediction-words.ts';

const FIELDS: PredictFields = {
  from: 'dataset',
  datasetId: 'd',
  by: 'window',
  windows: '0',
  article: '',
  place: '1',
  path: '',
  rows: '',
};

it('requests windows by number or by place in an article', () => {
  expect(askedSource({ ...FIELDS, windows: '3, 10-12' })).toEqual({
    source: { kind: 'dataset', datasetId: 'd', windows: [3, 10, 11, 12] },
  });
  expect(askedSource({ ...FIELDS, by: 'article', article: '12', place: '3' })).toEqual({
    source: { kind: 'article', datasetId: 'd', article: 12, index: 2 },
  });
});

it('requests rows of a file; all without a list', () => {
  expect(askedSource({ ...FIELDS, from: 'file', path: '/a.npy' })).toEqual({
    source: { kind: 'file', path: '/a.npy', rows: null },
  });
  expect(askedSource({ ...FIELDS, from: 'file', path: '/a.npy', rows: '1-2' })).toEqual({
    source: { kind: 'file', path: '/a.npy', rows: [1, 2] },
  });
});

it('reports invalid input, but nothing while input is incomplete', () => {
  const problem = (fields: Partial<PredictFields>) => {
    const asked = askedSource({ ...FIELDS, ...fields });
    return asked.source === null ? asked.problem : 'none';
  };
  expect(problem({ windows: ' ' })).toBe('');
  expect(problem({ datasetId: '' })).toBe('');
  expect(problem({ from: 'file' })).toBe('');
  expect(problem({ by: 'article' })).toBe('');
  expect(problem({ windows: '5-3' })).toContain('names no rows');
  expect(problem({ windows: '0-2000' })).toContain('names no rows');
  expect(problem({ by: 'article', article: 'x' })).toContain('An article is a number');
  expect(problem({ by: 'article', article: '2', place: '0' })).toContain('count from 1');
});

const ROW: PredictedRow = {
  row: 4,
  place: { article: 12, index: 2, of: 7 },
  norm: 0.5,
  targetCosine: 0.4,
  baselines: { contextMean: 0.45, lastVector: null },
  parts: null,
  contextCosines: [0.1, 0.2],
  attention: null,
  context: [
    { vector: 1, article: 12, chunk: 340, text: null },
    { vector: 2, article: null, chunk: null, text: null },
  ],
  target: null,
  neighbours: [],
};

const model = (modelType: ModelType) => ({ modelType, task: null });

it('shows no number for unmeasured figures', () => {
  expect(baselineFigures(ROW)).toEqual([
    { label: 'Mean of context', value: '0.4500', lift: expect.closeTo(-0.05, 9) as number, note: 'model −0.0500' },
    { label: 'Last vector', value: 'not measured', lift: null, note: '' },
  ]);
  expect(contextRows(ROW, model('gru')).map(({ weightText }) => weightText)).toEqual(['none', 'none']);
  expect(contextRows(ROW, model('transformer'))[0].weightText).toBe('not measured');
  expect(contextRows({ ...ROW, attention: [0.25, 0.75] }, model('amn'))[1]).toMatchObject({
    weight: 0.75,
    weightText: '75.0 %',
  });
});

it('describes places', () => {
  expect(ROW.context!.map(placeWords)).toEqual(['article 12, chunk 340', 'vector 2']);
  expect(rowWords(ROW)).toBe('Window 4 · article 12, window 3 of 7');
  expect(rowWords({ ...ROW, context: null, place: null })).toBe('Row 4');
});
