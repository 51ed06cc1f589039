/**
 * Draws two small charts where nobody sees them, once: the first chart of a page is what its code is compiled at, and
 * that then is done before a run is opened.
 */
import { createApp, h } from 'vue';
import { frames } from '../ui/frame-queue.ts';
import { createChartGroup } from './chart-group.ts';
import type { Points } from './columns.ts';
import { STYLES } from './series-style.ts';
import TimeChart from './TimeChart.vue';

const POINTS = 1000;
/** Frames until a chart is mounted, measured and drawn. */
const FRAMES = 8;

function ramp(slope: number): Points {
  const x = Float64Array.from({ length: POINTS }, (_, i) => i + 1);
  const mean = Float32Array.from(x, (step) => slope * (1 + 0.1 * Math.sin(step)));
  return { x, mean, min: mean.map((y) => 0.9 * y), max: mean.map((y) => 1.1 * y) };
}

export function warmUpCharts(): void {
  const host = document.createElement('div');
  host.inert = true;
  host.style.cssText =
    'position:fixed;inset:auto auto 0 0;width:600px;height:250px;opacity:0;pointer-events:none;overflow:hidden';
  document.body.append(host);
  const group = createChartGroup();
  group.setExtent({ min: 0, max: POINTS });
  const series = [
    { key: 'total', style: STYLES.total, points: ramp(0.2) },
    { key: 'lr', style: STYLES.lr, points: ramp(0.3) },
  ];
  const chart = (id: string, stacked: boolean) =>
    h(TimeChart, { id, title: '', series, group, stacked, log: !stacked });
  const app = createApp({ render: () => [chart('warm-up-lines', false), chart('warm-up-shares', true)] });
  // Its ids must not be those of the page.
  app.config.idPrefix = 'warm-up';
  app.mount(host);
  let left = FRAMES;
  const wait = () => {
    if (left-- > 0) return frames.later(wait);
    app.unmount();
    host.remove();
  };
  frames.later(wait);
}
