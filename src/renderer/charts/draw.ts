/** Draws a scene on a surface: bands, lines, areas, reference lines with labels, markers. Not here: axes and grid. */
import type { ChartTheme } from './chart-theme.ts';
import { lowerBound } from './data/columns.ts';
import type { Pixels } from './data/decimate.ts';
import type { ChartMarker, Layer, Range, ReferenceLine, Scene } from './scene.ts';
import type { Pen, Rect, Surface } from './surface.ts';

/** Plot area on the surface. `ratio`: surface pixels per CSS pixel. */
export interface Frame {
  readonly plot: Rect;
  readonly log: boolean;
  readonly ratio: number;
}

/** Maps values to surface pixels, linearly or by their logarithm. */
interface Scale {
  readonly log: boolean;
  /** Pixel of 0 (log: of 1), and pixels per unit (log: per power of ten). */
  readonly origin: number;
  readonly step: number;
  /** Pixel of values at or below 0 on a log scale. */
  readonly beyond: number;
}

function xScale(x: Range, { plot }: Frame): Scale {
  const step = plot.width / (x.max - x.min);
  return { log: false, origin: plot.x - x.min * step, step, beyond: Number.NaN };
}

function yScale(y: Range, { plot, log }: Frame): Scale {
  const bottom = plot.y + plot.height;
  const [min, max] = log ? [Math.log10(y.min), Math.log10(y.max)] : [y.min, y.max];
  const step = -plot.height / (max - min);
  return { log, origin: bottom - min * step, step, beyond: bottom + plot.height };
}

function place(value: number, { log, origin, step, beyond }: Scale): number {
  if (!log) return origin + value * step;
  return value <= 0 ? beyond : origin + Math.log10(value) * step;
}

/**
 * Pixel positions of values, computed once per frame in reused buffers, so that zooming at 60 frames a second allocates
 * nothing.
 */
class Places {
  readonly #buffers: Float64Array[] = [];
  #used = 0;

  /** Makes all buffers free again. */
  reset(): void {
    this.#used = 0;
  }

  of(values: Float64Array | Float32Array, length: number, scale: Scale): Float64Array {
    const out = this.#take(length);
    for (let i = 0; i < length; i++) out[i] = place(values[i], scale);
    return out;
  }

  #take(length: number): Float64Array {
    const index = this.#used++;
    if (!(this.#buffers[index]?.length >= length)) this.#buffers[index] = new Float64Array(Math.ceil(length * 1.5));
    return this.#buffers[index].subarray(0, length);
  }
}

/** Shared by all charts: one is drawn at a time. */
const places = new Places();

/** A line in pixels; NaN at gaps. */
interface Trace {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

interface PlacedLayer {
  readonly layer: Layer;
  readonly trace: Trace;
}

export function drawScene(
  surface: Surface,
  scene: Scene,
  markers: readonly ChartMarker[],
  frame: Frame,
  theme: ChartTheme,
): void {
  const toX = xScale(scene.x, frame);
  const toY = yScale(scene.y, frame);
  places.reset();
  const placed = scene.layers.map((layer) => ({ layer, trace: traceOf(layer.line, toX, toY) }));
  surface.clipped(frame.plot, () => {
    drawMarkerLines(surface, markers, toX, frame, theme);
    for (const line of scene.references) drawReference(surface, line, toY, frame, theme);
    for (const each of placed) drawLayer(surface, each, toX, toY, frame, theme);
  });
  drawReferenceLabels(surface, scene, placed, toY, frame, theme);
  drawAreaLabels(surface, placed, toY, frame, theme);
  drawMarkerFlags(surface, markers, toX, frame, theme);
}

function traceOf({ length, x, mean }: Pixels, toX: Scale, toY: Scale): Trace {
  return { x: places.of(x, length, toX), y: places.of(mean, length, toY) };
}

function drawLayer(
  surface: Surface,
  { layer, trace }: PlacedLayer,
  toX: Scale,
  toY: Scale,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { style } = layer.series;
  const colour = theme.colour(style.colour);
  const width = style.width * frame.ratio;
  const dash = style.dash.map((length) => length * frame.ratio);
  const { line, raw, floor } = layer;
  const rough = isRough(line, frame);
  if (floor) {
    fillBetween(surface, trace.x, trace.y, places.of(floor, line.length, toY), frame, colour, 0.55);
    surface.stroke((pen) => traceLine(pen, trace), { colour, width: frame.ratio, alpha: 0.9, rough });
    return;
  }
  const band = raw ?? line;
  const behind = raw ? traceOf(raw, toX, toY) : trace;
  if (band.banded) {
    const high = places.of(band.max, band.length, toY);
    const low = places.of(band.min, band.length, toY);
    fillBetween(surface, behind.x, high, low, frame, colour, raw ? 0.14 : 0.24);
  } else if (raw) {
    surface.stroke((pen) => traceLine(pen, behind), { colour, width: frame.ratio, alpha: 0.3, rough });
  }
  surface.stroke((pen) => traceLine(pen, trace), { colour, width, dash, rough });
  drawDots(surface, layer, trace, frame, colour);
}

/** A line is rough when its points are closer than this, CSS pixels. */
const ROUGH_PX = 3;

function isRough(line: { readonly length: number }, { plot, ratio }: Frame): boolean {
  return line.length * ROUGH_PX * ratio > plot.width;
}

/** Fills between `low` and `high`; all arrays have one entry a point. */
function fillBetween(
  surface: Surface,
  x: Float64Array,
  high: Float64Array,
  low: Float64Array,
  frame: Frame,
  colour: string,
  alpha: number,
): void {
  if (!surface.prefersColumns || !isRough(x, frame)) {
    surface.fill((pen) => traceBetween(pen, x, high, low), colour, alpha);
    return;
  }
  surface.rects(
    (add) => {
      const { length } = x;
      let left = Math.round(x[0]);
      for (let i = 0; i < length; i++) {
        // Whole pixels: columns that overlap or leave a gap would show as stripes.
        const right = i + 1 < length ? Math.round((x[i] + x[i + 1]) / 2) : Math.round(x[i]);
        if (right > left && !Number.isNaN(high[i])) add(left, high[i], right - left, low[i] - high[i]);
        left = Math.max(left, right);
      }
    },
    colour,
    alpha,
  );
}

/** Draws a dot at each epoch where there is room, and always at a value between two gaps. */
function drawDots(surface: Surface, { series }: Layer, { x, y }: Trace, { plot, ratio }: Frame, colour: string): void {
  const { length } = x;
  const roomy = series.sparse === true && length * 9 * ratio < plot.width;
  if (!roomy && length > 2 * plot.width) return;
  const radius = Math.max(2, series.style.width + 0.75) * ratio;
  for (let i = 0; i < length; i++) {
    if (Number.isNaN(y[i])) continue;
    const alone = (i === 0 || Number.isNaN(y[i - 1])) && (i + 1 >= length || Number.isNaN(y[i + 1]));
    if (roomy || alone) surface.dot(x[i], y[i], radius, colour);
  }
}

function traceLine(pen: Pen, { x, y }: Trace): void {
  let drawing = false;
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(y[i])) {
      drawing = false;
      continue;
    }
    if (drawing) pen.lineTo(x[i], y[i]);
    else pen.moveTo(x[i], y[i]);
    drawing = true;
  }
}

/** Outline of the area between two edges, one for each range without gaps. */
function traceBetween(pen: Pen, x: Float64Array, high: Float64Array, low: Float64Array): void {
  const { length } = x;
  let from = 0;
  while (from < length) {
    if (Number.isNaN(high[from])) {
      from += 1;
      continue;
    }
    let to = from;
    while (to < length && !Number.isNaN(high[to])) to += 1;
    pen.moveTo(x[from], high[from]);
    for (let i = from + 1; i < to; i++) pen.lineTo(x[i], high[i]);
    for (let i = to - 1; i >= from; i--) pen.lineTo(x[i], low[i]);
    pen.closePath();
    from = to;
  }
}

function drawReference(
  surface: Surface,
  line: ReferenceLine,
  toY: Scale,
  { plot, ratio }: Frame,
  theme: ChartTheme,
): void {
  const y = Math.round(place(line.y, toY)) + 0.5;
  const dash = line.style.dash.map((length) => length * ratio);
  const style = { colour: theme.colour(line.style.colour), width: line.style.width * ratio, dash, alpha: 0.9 };
  surface.stroke((pen) => {
    pen.moveTo(plot.x, y);
    pen.lineTo(plot.x + plot.width, y);
  }, style);
}

const LABEL_HEIGHT = 12;

/** Labels at one end of the reference lines, pushed apart where lines are close. Lines out of view have none. */
function drawReferenceLabels(
  surface: Surface,
  scene: Scene,
  placed: readonly PlacedLayer[],
  toY: Scale,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { plot, ratio } = frame;
  const bottom = plot.y + plot.height;
  const inView = scene.references
    .map((line) => ({ line, y: place(line.y, toY) }))
    .filter(({ y }) => y >= plot.y && y <= bottom)
    .toSorted((a, b) => a.y - b.y);
  if (inView.length === 0) return;
  const heights = inView.map(({ y }) => y);
  const left = clearance(placed, heights, 0, frame) > clearance(placed, heights, 0.75, frame);
  let lowest = plot.y;
  for (const { line, y } of inView) {
    const at = Math.max(y - 3 * ratio, lowest + LABEL_HEIGHT * ratio);
    lowest = at;
    if (at > bottom + 2 * ratio) break;
    surface.text(line.style.label, left ? plot.x + 4 * ratio : plot.x + plot.width - 4 * ratio, at, {
      colour: theme.text2,
      font: scaledFont(theme.font, ratio * 0.93),
      align: left ? 'left' : 'right',
      halo: theme.panel,
    });
  }
}

/** Labels inside stacked areas that are thick enough, so that colour is not the only key. */
function drawAreaLabels(
  surface: Surface,
  placed: readonly PlacedLayer[],
  toY: Scale,
  { plot, ratio }: Frame,
  theme: ChartTheme,
): void {
  const right = plot.x + plot.width - 6 * ratio;
  for (const { layer, trace } of placed) {
    const { floor, series } = layer;
    if (!floor || trace.x.length === 0) continue;
    let i = trace.x.length - 1;
    while (i > 0 && trace.x[i] > right - 24 * ratio) i -= 1;
    const top = trace.y[i];
    const bottom = place(floor[i], toY);
    if (bottom - top < 18 * ratio) continue;
    surface.text(series.style.label, right, (top + bottom) / 2 + 4 * ratio, {
      colour: theme.text,
      font: scaledFont(theme.font, ratio),
      align: 'right',
    });
  }
}

/** Mean distance of the data from the given heights in the quarter of the plot that starts at `from`, pixels. */
function clearance(placed: readonly PlacedLayer[], heights: readonly number[], from: number, { plot }: Frame): number {
  const start = plot.x + from * plot.width;
  const end = start + plot.width / 4;
  let sum = 0;
  let count = 0;
  for (const { trace } of placed) {
    const { x, y } = trace;
    for (let i = lowerBound(x, start); i < x.length && x[i] <= end; i++) {
      if (Number.isNaN(y[i])) continue;
      let nearest = Infinity;
      for (let h = 0; h < heights.length; h++) nearest = Math.min(nearest, Math.abs(heights[h] - y[i]));
      sum += nearest;
      count += 1;
    }
  }
  return count === 0 ? Infinity : sum / count;
}

function drawMarkerLines(
  surface: Surface,
  markers: readonly ChartMarker[],
  toX: Scale,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { plot, ratio } = frame;
  for (const { x, tone } of markers) {
    const at = Math.round(place(x, toX)) + 0.5;
    surface.stroke(
      (pen) => {
        pen.moveTo(at, plot.y);
        pen.lineTo(at, plot.y + plot.height);
      },
      { colour: theme.tones[tone], width: ratio, dash: [2 * ratio, 3 * ratio], alpha: 0.65 },
    );
  }
}

/** A tick for a gate that passed, a cross for one that did not, so that colour is not the only difference. */
function drawMarkerFlags(
  surface: Surface,
  markers: readonly ChartMarker[],
  toX: Scale,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { plot, ratio } = frame;
  for (const { x, tone } of markers) {
    const at = place(x, toX);
    if (at < plot.x || at > plot.x + plot.width) continue;
    const style = { colour: theme.tones[tone], width: 1.75 * ratio };
    const top = plot.y - 8 * ratio;
    const r = 3 * ratio;
    surface.stroke((pen) => (tone === 'good' ? traceTick(pen, at, top, r) : traceCross(pen, at, top, r)), style);
  }
}

function traceTick(pen: Pen, x: number, y: number, r: number): void {
  pen.moveTo(x - r, y);
  pen.lineTo(x - r / 3, y + r * 0.7);
  pen.lineTo(x + r, y - r * 0.8);
}

function traceCross(pen: Pen, x: number, y: number, r: number): void {
  pen.moveTo(x - r * 0.8, y - r * 0.8);
  pen.lineTo(x + r * 0.8, y + r * 0.8);
  pen.moveTo(x + r * 0.8, y - r * 0.8);
  pen.lineTo(x - r * 0.8, y + r * 0.8);
}

/** Scales the size in a font such as "11px sans". */
export function scaledFont(font: string, factor: number): string {
  return font.replace(/^[\d.]+px/, (size) => `${Math.round(Number.parseFloat(size) * factor * 10) / 10}px`);
}
