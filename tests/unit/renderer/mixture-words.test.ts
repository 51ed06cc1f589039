/** The explanation of a Gram mixture's prediction: shares by kind, and one sentence. */
import { describe, expect, test } from 'vitest';
import { inputNames } from '#shared/domain/datasets/task.ts';
import { DEFAULT_MIXTURE, listParts, type Part } from '#shared/domain/models/gram.ts';
import { contextRows, mixtureSentence, shareGroups } from '../../../src/renderer/features/predict/prediction-words.ts';
import { mixtureRow } from '../../component/support/predictions.ts';

type Kind = Part['kind'];

/** Parts of a mixture of five vectors, with these shares by kind and index; the others have none. */
function partsWith(shares: Partial<Record<Kind, readonly number[]>>) {
  const mixture = {
    ridges: [3, 30, 300],
    startRidge: 30,
    pooledRidges: [30],
    filters: [1, 10],
    neighbours: [{ count: 32, tau: 0.05 }],
  };
  return listParts({ ...mixture, extras: [] }, 5).map(({ kind, name, index }) => {
    const share = shares[kind]?.[index] ?? 0;
    return { kind, name, share, coefficient: share };
  });
}

const outline = (parts: ReturnType<typeof partsWith>) =>
  shareGroups(parts).map((group) => [
    `${group.label} ${group.text}`,
    ...group.parts.map(({ label, text }) => `${label} ${text}`),
  ]);

describe('the sentence', () => {
  test('names what dominates, and what adds to it', () => {
    const parts = partsWith({
      context: [0.02, 0.03, 0.06, 0.1, 0.4],
      neighbours: [0.2],
      ridge: [0.04, 0.15],
      mean: [0],
    });
    expect(mixtureSentence(parts)).toBe(
      '61 % of this prediction is the context itself, most of it x 5; similar training passages add 20 %; learned maps add 19 %.',
    );
  });

  test('names the largest part where none is half of its kind', () => {
    const parts = partsWith({ context: [0.18, 0.19, 0.19, 0.2, 0.21], mean: [0.03] });
    expect(mixtureSentence(parts)).toBe(
      '97 % of this prediction is the context itself, above all x 5; nothing else has 5 %.',
    );
  });

  test('says what points away from the prediction', () => {
    const parts = partsWith({
      context: [0.2, 0.2, 0.2, 0.2, 0.4],
      filteredSkip: [-0.3, 0.1],
      ridge: [0, -0.06],
      mean: [0.06],
    });
    expect(mixtureSentence(parts)).toBe(
      '120 % of this prediction is the context itself, above all x 5; the corpus mean adds 6 %; learned maps take 6 % away; the filtered context takes 20 % away.',
    );
  });

  test('does not name the largest part of a kind with a single part', () => {
    const parts = partsWith({ neighbours: [0.7], context: [0.3] });
    expect(mixtureSentence(parts)).toBe(
      '70 % of this prediction is what followed similar training passages; the context itself adds 30 %.',
    );
  });
});

describe('the shares', () => {
  test('are sorted, kinds and parts, with those under 1 % summed up', () => {
    const parts = partsWith({
      context: [0.004, 0.005, 0.1, -0.02, 0.4],
      neighbours: [0.3],
      filteredSkip: [0.2, 0],
      filteredLast: [0.009],
      ridge: [0.003],
    });
    expect(outline(parts)).toEqual([
      ['Context 49 %', 'x 5 40 %', 'x 3 10 %', 'x 4 −2 %', '2 others 1 %'],
      ['Neighbours 30 %'],
      ['Filtered context 21 %', 'filtered skip ν 1 20 %', '3 others 1 %'],
      ['Others 0 %'],
    ]);
    expect(shareGroups(parts).at(-1)?.what).toBe('Learned maps and corpus mean: each part is below 1 %.');
  });

  test('show parts of a kind that cancel each other', () => {
    const parts = partsWith({ context: [1], ridge: [0.2, -0.2] });
    expect(outline(parts)[1]).toEqual(['Learned maps 0 %', 'ridge λ 3 20 %', 'ridge λ 30 −20 %', '2 others 0 %']);
  });

  test('never read −0 %', () => {
    const parts = partsWith({ context: [1.001], ridge: [-0.001] });
    expect(outline(parts).at(-1)).toEqual(['Others 0 %']);
  });
});

test('the context table shows shares where other models have attention', () => {
  const rows = contextRows(mixtureRow(), { modelType: 'gram', task: null });
  expect(rows.map(({ weightText }) => weightText)).toEqual(['2.0 %', '3.0 %', '6.0 %', '10.0 %', '40.0 %']);
});

test('inputs of history have their names among the parts and in the context table', () => {
  const task = { context: 5, history: 8 };
  const names = listParts({ ...DEFAULT_MIXTURE, extras: [] }, 7, inputNames(7, task)).map(({ name }) => name);
  expect(names.slice(0, 8)).toEqual(['article mean', 'history mean', 'x 1', 'x 2', 'x 3', 'x 4', 'x 5', 'corpus mean']);
  expect(names).toContain('filtered x 5 ν 1');
  const row = { ...mixtureRow(), contextCosines: [0.6, 0.5, 0.5, 0.5, 0.6, 0.6, 0.7] };
  const rows = contextRows(row, { modelType: 'gram', task });
  expect(rows.map(({ label }) => label).slice(0, 3)).toEqual(['Article mean', 'History mean', '4 before']);
});
