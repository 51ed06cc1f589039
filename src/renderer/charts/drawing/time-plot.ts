/**
 * One chart on screen. uPlot provides axes, grid, cursor and selection; draw.ts draws the data from columns, decimated
 * to the plot's pixels. Draws in an animation frame (frame-queue.ts), and only after a change.
 */
import uPlot from 'uplot';
import { valueNear } from '../data/columns.ts';
import type { ChartGroup } from '../chart-group.ts';
import type { ChartTheme } from './chart-theme.ts';
import { drawScene } from './draw.ts';
import { frames } from '../../ui/frame-queue.ts';
import { bindPointer } from '../pointer.ts';
import { buildScene, SceneCache, type ChartInput, type Scene } from './scene.ts';
import { CanvasSurface } from './surface.ts';
import { logLabel, logTicks, xLabels, xTicks, yLabels, type XAxisMode } from './ticks.ts';

const Y_AXIS_WIDTH = 46;
const X_AXIS_HEIGHT = 24;
const X_LABEL_SPACE = 64;
const Y_LABEL_SPACE = 30;
/** Room for the flags of markers above the plot. */
const TOP = 14;
/** Half of a label that stands at the very end of the x axis. */
const RIGHT = 16;

export interface AxisTick {
  readonly value: number;
  readonly label: string;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

interface TimePlotEvents {
  /** x of the pointer; null when it has left. */
  readonly cursor: (x: number | null) => void;
}

interface TimePlotOptions {
  /** The plot fills it. */
  readonly host: HTMLElement;
  readonly size: Size;
  readonly group: ChartGroup;
  readonly input: ChartInput;
  readonly theme: ChartTheme;
  readonly events: TimePlotEvents;
}

/** Placeholder data for uPlot: the scales are set by hand and the series draws nothing. */
const NO_DATA: uPlot.AlignedData = [
  [0, 1],
  [null, null],
];

/** uPlot's own log splits never end on a range that does not start at a round number. */
const LOG_TICKS: Partial<uPlot.Axis> = {
  splits: (plot, _axis, min, max) => logTicks(min, max, plot.bbox.height / uPlot.pxRatio / Y_LABEL_SPACE),
  filter: (_plot, splits) => splits,
};

export class TimePlot {
  readonly #host: HTMLElement;
  readonly #group: ChartGroup;
  readonly #events: TimePlotEvents;
  readonly #cache = new SceneCache();
  readonly #dots: HTMLElement[] = [];
  #size: Size;
  #input: ChartInput;
  #theme: ChartTheme;
  #plot: uPlot;
  #scene: Scene | null = null;
  #axis: XAxisMode | null = null;
  #unbind: () => void;
  #xTicks: AxisTick[] = [];
  #yTicks: AxisTick[] = [];
  /** How long the last frame took to prepare and draw; for the benchmarks. */
  lastFrameMs = 0;

  constructor({ host, size, group, input, theme, events }: TimePlotOptions) {
    this.#host = host;
    this.#size = size;
    this.#group = group;
    this.#events = events;
    this.#input = input;
    this.#theme = theme;
    this.#plot = this.#create();
    this.#unbind = bindPointer(this.#plot, group);
    this.invalidate();
  }

  /** New data or settings. */
  update(input: ChartInput): void {
    const before = this.#input;
    this.#input = input;
    if (before.log !== input.log) this.#recreate();
    this.invalidate();
  }

  setTheme(theme: ChartTheme): void {
    this.#theme = theme;
    this.#recreate();
  }

  resize(size: Size): void {
    if (size.width === this.#size.width && size.height === this.#size.height) return;
    this.#size = size;
    this.#plot.setSize(size);
    this.invalidate();
  }

  /** Requests a redraw in the next frame. */
  invalidate(): void {
    frames.add(this.#draw);
  }

  destroy(): void {
    frames.remove(this.#draw);
    this.#unbind();
    this.#plot.destroy();
  }

  /** What is on screen, for exports. */
  picture(): { scene: Scene; input: ChartInput; xTicks: readonly AxisTick[]; yTicks: readonly AxisTick[] } | null {
    if (!this.#scene) return null;
    return { scene: this.#scene, input: this.#input, xTicks: this.#xTicks, yTicks: this.#yTicks };
  }

  readonly #draw = (): void => {
    const started = performance.now();
    const plot = this.#plot;
    const width = Math.max(1, Math.round(plot.bbox.width / uPlot.pxRatio));
    const scene = buildScene(this.#input, this.#group.view(), width, this.#cache);
    const before = this.#scene;
    this.#scene = scene;
    const axis = this.#group.axis.value;
    const relabelled = this.#axis !== axis;
    this.#axis = axis;
    const moved = before?.x.min !== scene.x.min || before.x.max !== scene.x.max;
    const stretched = before?.y.min !== scene.y.min || before.y.max !== scene.y.max;
    plot.batch(() => {
      if (moved) plot.setScale('x', { min: scene.x.min, max: scene.x.max });
      if (stretched) plot.setScale('y', { min: scene.y.min, max: scene.y.max });
      if (relabelled || (!moved && !stretched)) plot.redraw(false, relabelled);
    });
    this.#host.dataset.drawn = String(scene.layers.reduce((sum, { line }) => sum + line.length, 0));
    this.#placeDots();
    this.lastFrameMs = performance.now() - started;
  };

  #paint(plot: uPlot): void {
    if (!this.#scene) return;
    const { left: x, top: y, width, height } = plot.bbox;
    const frame = { plot: { x, y, width, height }, log: this.#input.log, ratio: uPlot.pxRatio };
    // uPlot caches the context's settings and would not set them again.
    plot.ctx.save();
    drawScene(new CanvasSurface(plot.ctx), this.#scene, this.#input.markers, frame, this.#theme);
    plot.ctx.restore();
  }

  /** Called when the view rests: updates what is under the pointer. */
  rest(): void {
    this.#cursorMoved(this.#plot);
  }

  #cursorMoved(plot: uPlot): void {
    // Not while the view moves: figures and dots would cost as much as the drawing.
    if (this.#group.moving.value) return this.#placeDots();
    const { left } = plot.cursor;
    const x = left === undefined || left < 0 ? null : plot.posToVal(left, 'x');
    this.#events.cursor(x);
    this.#placeDots();
  }

  /** A dot on every line under the cursor. */
  #placeDots(): void {
    const plot = this.#plot;
    const { left } = plot.cursor;
    const read = !this.#group.moving.value && !this.#input.stacked;
    const over = left !== undefined && left >= 0 && this.#scene !== null && read;
    const at = over ? plot.posToVal(left, 'x') : 0;
    const width = plot.bbox.width / uPlot.pxRatio;
    let used = 0;
    for (const { series, line } of over && this.#scene ? this.#scene.layers : []) {
      const drawn = { x: line.x.subarray(0, line.length), mean: line.mean.subarray(0, line.length) };
      const value = valueNear({ ...drawn, min: drawn.mean, max: drawn.mean }, at);
      if (!value) continue;
      const dot = this.#dot(used);
      used += 1;
      const px = plot.valToPos(value.x, 'x');
      const py = plot.valToPos(value.y, 'y');
      dot.style.transform = `translate(${px}px, ${py}px)`;
      dot.style.backgroundColor = this.#theme.colour(series.style.colour);
      dot.hidden = !Number.isFinite(py) || px < 0 || px > width;
    }
    for (let i = used; i < this.#dots.length; i++) if (!this.#dots[i].hidden) this.#dots[i].hidden = true;
  }

  #dot(index: number): HTMLElement {
    const known = this.#dots[index];
    if (known) return known;
    const dot = document.createElement('div');
    dot.className = 'chart-dot';
    this.#plot.over.append(dot);
    this.#dots.push(dot);
    return dot;
  }

  #recreate(): void {
    this.#unbind();
    this.#plot.destroy();
    this.#dots.length = 0;
    this.#scene = null;
    this.#plot = this.#create();
    this.#unbind = bindPointer(this.#plot, this.#group);
    this.invalidate();
  }

  #create(): uPlot {
    const { log } = this.#input;
    return new uPlot(
      {
        ...this.#size,
        padding: [TOP, RIGHT, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: true, y: false, setScale: false, dist: 5 },
          sync: { key: this.#group.key, setSeries: false, scales: ['x', null] },
        },
        scales: {
          x: { time: false, auto: false, range: () => [this.#group.view().min, this.#group.view().max] },
          y: { auto: false, distr: log ? 3 : 1, range: (_, min, max) => [min ?? (log ? 1e-3 : 0), max ?? 1] },
        },
        axes: [this.#xAxis(), this.#yAxis(log)],
        series: [{}, { scale: 'y', paths: () => null, points: { show: false } }],
        hooks: {
          draw: [(plot) => this.#paint(plot)],
          setCursor: [(plot) => this.#cursorMoved(plot)],
          setSelect: [(plot) => this.#selected(plot)],
        },
      },
      NO_DATA,
      this.#host,
    );
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > 0) this.#group.zoomTo({ min: plot.posToVal(left, 'x'), max: plot.posToVal(left + width, 'x') });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  #xAxis(): uPlot.Axis {
    const { text3, grid, font } = this.#theme;
    return {
      stroke: text3,
      font,
      size: X_AXIS_HEIGHT,
      gap: 4,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      border: { show: true, stroke: this.#theme.axis, width: 1 },
      splits: (plot, _axis, min, max) =>
        xTicks(min, max, plot.bbox.width / uPlot.pxRatio, X_LABEL_SPACE, this.#group.axis.value),
      values: (_plot, splits) => {
        const labels = xLabels(splits, this.#group.axis.value);
        this.#xTicks = splits.map((value, i) => ({ value, label: labels[i] }));
        return labels;
      },
    };
  }

  #yAxis(log: boolean): uPlot.Axis {
    const { text3, grid, font } = this.#theme;
    return {
      scale: 'y',
      stroke: text3,
      font,
      size: Y_AXIS_WIDTH,
      gap: 6,
      space: Y_LABEL_SPACE,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      ...(log ? LOG_TICKS : {}),
      values: (_plot, splits, _axis, _space, increment) => {
        const labels = log ? splits.map(logLabel) : yLabels(splits, increment);
        this.#yTicks = splits.map((value, i) => ({ value, label: labels[i] }));
        return labels;
      },
    };
  }
}
