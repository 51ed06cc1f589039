/** The legend of a chart. */
import { expect, test } from 'vitest';
import { createChartGroup } from '../../src/renderer/charts/chart-group.ts';
import { NO_POINTS, rawPoints } from '../../src/renderer/charts/data/columns.ts';
import { TERM_STYLES } from '../../src/renderer/charts/series-style.ts';
import TimeChart from '../../src/renderer/charts/TimeChart.vue';
import { mountPage, texts } from './support/page.ts';

test('shows the last value of a series, also while the plot is out of view', async () => {
  const series = (points: typeof NO_POINTS) => [{ key: 'mse', style: TERM_STYLES.mse, points }];
  const props = { id: 'loss-terms', title: 'Loss terms', group: createChartGroup() };
  const { wrapper } = await mountPage(TimeChart, { ...props, series: series(NO_POINTS) });
  await wrapper.setProps({ series: series(rawPoints(Float64Array.of(1, 2), Float32Array.of(0.5, 0.25))) });
  await expect.poll(() => texts('.legend .value')).toEqual(['0.25']);
});
