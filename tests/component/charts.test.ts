/** A chart: its legend, full screen, and pinning it to the top of a run's charts. */
import { flushPromises } from '@vue/test-utils';
import { expect, test } from 'vitest';
import { computed, ref } from 'vue';
import { createChartGroup } from '../../src/renderer/charts/chart-group.ts';
import { NO_POINTS, rawPoints } from '../../src/renderer/charts/data/columns.ts';
import { TERM_STYLES } from '../../src/renderer/charts/drawing/series-style.ts';
import TimeChart from '../../src/renderer/charts/TimeChart.vue';
import StatedCharts from '../../src/renderer/features/run/curves/StatedCharts.vue';
import RunCharts from '../../src/renderer/features/run/curves/RunCharts.vue';
import { epochRecord } from '../support/epoch-record.ts';
import { run } from './support/fixtures.ts';
import { button, click, mountPage, texts } from './support/page.ts';

const mse = (points: typeof NO_POINTS) => [{ key: 'mse', style: TERM_STYLES.mse, points }];
const chart = () => ({ id: 'loss-terms', title: 'Loss terms', group: createChartGroup(), series: mse(NO_POINTS) });
const dialog = () => document.querySelector('[role="dialog"]');

test('shows the last value of a series, also while the plot is out of view', async () => {
  const { wrapper } = await mountPage(TimeChart, chart());
  await wrapper.setProps({ series: mse(rawPoints(Float64Array.of(1, 2), Float32Array.of(0.5, 0.25))) });
  await expect.poll(() => texts('.legend .value')).toEqual(['0.25']);
});

test('full screen shows the chart with the same lines in a dialog; Esc closes it and gives the focus back', async () => {
  await mountPage(TimeChart, { ...chart(), hide: ['mse'] });
  const open = button('Full screen of Loss terms');
  open.focus();
  await click(open);
  expect(dialog()?.querySelector('figure h3')?.textContent).toBe('Loss terms');
  expect(texts('.legend .value')).toEqual([]);
  dialog()?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  await flushPromises();
  expect(dialog()).toBeNull();
  await expect.poll(() => document.activeElement).toBe(open);
});

test('the button in full screen closes it', async () => {
  await mountPage(TimeChart, chart());
  await click(button('Full screen of Loss terms'));
  await click(button('Leave full screen of Loss terms'));
  expect(dialog()).toBeNull();
});

test('a pinned chart comes before the others of every run, in the order of pinning', async () => {
  const series = { points: () => NO_POINTS, lastStep: computed(() => 0) };
  const state = { series, epochs: ref([]), gates: ref([]), rates: ref([]) };
  const titles = () => texts('figure h3').slice(0, 4);
  await mountPage(RunCharts, { run: run(1), state, group: createChartGroup() });
  expect(titles()).toEqual(['Cosine to the target', 'Loss terms', 'Gradient shares', 'Weighted shares']);
  await click(button('Pin Speed'));
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Pin Speed');
  await click(button('Pin Loss terms'));
  expect(titles()).toEqual(['Speed', 'Loss terms', 'Cosine to the target', 'Gradient shares']);
  expect(JSON.parse(localStorage.getItem('nextvec-pinned-charts') ?? '')).toEqual(['rate', 'loss']);
  await click(button('Pin Speed'));
  expect(titles()).toEqual(['Loss terms', 'Cosine to the target', 'Gradient shares', 'Weighted shares']);
});

test('an imported run has charts of the curves that its file states, and no others', async () => {
  const nothing = { predictions: null, targets: null };
  const missing = { step: 0, gradNorm: null, rowsPerSecond: null, diversity: nothing, effectiveRank: nothing };
  const epochs = ref([1, 2].map((epoch) => ({ ...epochRecord(epoch), ...missing, lr: epoch / 1000 })));
  const state = { series: { points: () => NO_POINTS, lastStep: computed(() => 0) }, epochs };
  const group = createChartGroup();
  await mountPage(StatedCharts, { run: run(1, { step: 0 }), state, group });
  expect(texts('figure h3')).toEqual([
    'Cosine to the target',
    'Loss',
    'Loss terms',
    'Learning rate',
    'Time of an epoch',
  ]);
  expect(group.axis.value.unit).toBe('epoch');
  await expect.poll(() => texts('.legend .value')).toContain('0.3500');
});
