/** A prediction on the page: what an explanation shows for a Gram mixture, and that other models have none. */
import { expect, test } from 'vitest';
import PredictionView from '../../src/renderer/features/predict/PredictionView.vue';
import { mixtureRow, prediction } from './support/predictions.ts';
import { mountPage, texts } from './support/page.ts';

const headings = () => texts('.section h2');

test('explains a prediction of a Gram mixture by the shares of its parts', async () => {
  await mountPage(PredictionView, { result: prediction('gram', mixtureRow()), setName: null });
  expect(headings()).toContain('Why this prediction');
  expect(texts('.sentence')).toEqual([
    '61 % of this prediction is the context itself, most of it x 5; similar training passages add 20 %; learned maps add 19 %.',
  ]);
  expect(texts('.group th')).toEqual(['Context', 'Neighbours', 'Learned maps', 'Others']);
  const negative = [...document.querySelectorAll('.part')].filter((line) => line.querySelector('.away'));
  expect(negative.map((line) => line.textContent)).toEqual([expect.stringMatching(/ridge λ 30\s*−6 %/)]);
  const bars = [...document.querySelectorAll<HTMLElement>('.group .bar')].map(({ style }) => parseFloat(style.width));
  expect(bars[0] / bars[1]).toBeCloseTo(0.61 / 0.2, 3);
  expect(texts('thead th')).toContain('Share');
  expect(texts('thead th')).not.toContain('Attention');
});

test('explains no prediction of another model', async () => {
  const row = { ...mixtureRow(), parts: null, attention: [0.1, 0.2, 0.2, 0.2, 0.3] };
  await mountPage(PredictionView, { result: prediction('amn', row), setName: null });
  expect(headings()).not.toContain('Why this prediction');
  expect(texts('thead th')).toContain('Attention');
});
