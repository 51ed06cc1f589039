/** Chart colours that name their role. */
import type { ChartTheme } from '../../../src/renderer/charts/drawing/chart-theme.ts';

export const THEME: ChartTheme = {
  font: '11px sans-serif',
  text: '#000',
  text2: '#333',
  text3: '#666',
  grid: '#eee',
  axis: '#ccc',
  panel: '#fff',
  tones: { good: 'green', warn: 'orange', bad: 'red' },
  colour: (token) => `colour(${token})`,
};
