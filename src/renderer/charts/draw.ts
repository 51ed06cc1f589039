/** Draws a scene on a surface: bands, lines, areas, reference lines with labels, markers. Not here: axes and grid. */
import type { ChartTheme } from './chart-theme.ts';
import type { Pixels } from './decimate.ts';
import type { ChartMarker, Layer, Range, ReferenceLine, Scene } from './scene.ts';
import type { Pen, Rect, Surface } from './surface.ts';

/** Where values stand on the surface. `ratio`: surface pixels per CSS pixel. */
export interface Frame {
  readonly plot: Rect;
  readonly log: boolean;
  readonly ratio: number;
}

type Place = (value: number) => number;

function placeX(x: Range, { plot }: Frame): Place {
  const scale = plot.width / (x.max - x.min);
  return (value) => plot.x + (value - x.min) * scale;
}

function placeY(y: Range, { plot, log }: Frame): Place {
  const bottom = plot.y + plot.height;
  if (!log) {
    const scale = plot.height / (y.max - y.min);
    return (value) => bottom - (value - y.min) * scale;
  }
  const from = Math.log10(y.min);
  const scale = plot.height / (Math.log10(y.max) - from);
  // Values that a logarithm does not reach lie below the plot.
  return (value) => (value > 0 ? bottom - (Math.log10(value) - from) * scale : bottom + plot.height);
}

export function drawScene(
  surface: Surface,
  scene: Scene,
  markers: readonly ChartMarker[],
  frame: Frame,
  theme: ChartTheme,
): void {
  const toX = placeX(scene.x, frame);
  const toY = placeY(scene.y, frame);
  surface.clipped(frame.plot, () => {
    drawMarkerLines(surface, markers, toX, frame, theme);
    for (const line of scene.references) drawReference(surface, line, toY, frame, theme);
    for (const layer of scene.layers) drawLayer(surface, layer, toX, toY, frame, theme);
  });
  drawReferenceLabels(surface, scene, toX, toY, frame, theme);
  drawAreaLabels(surface, scene, toX, toY, frame, theme);
  drawMarkerFlags(surface, markers, toX, frame, theme);
}

function drawLayer(surface: Surface, layer: Layer, toX: Place, toY: Place, frame: Frame, theme: ChartTheme): void {
  const { style } = layer.series;
  const colour = theme.colour(style.colour);
  const width = style.width * frame.ratio;
  const dash = style.dash.map((length) => length * frame.ratio);
  const { line, raw, floor } = layer;
  const rough = isRough(line, frame);
  if (floor) {
    fillBetween(surface, line, line.mean, floor, toX, toY, frame, colour, 0.55);
    surface.stroke((pen) => traceLine(pen, line, toX, toY), { colour, width: frame.ratio, alpha: 0.9, rough });
    return;
  }
  const band = raw ?? line;
  if (band.banded) fillBetween(surface, band, band.max, band.min, toX, toY, frame, colour, raw ? 0.14 : 0.24);
  else if (raw)
    surface.stroke((pen) => traceLine(pen, raw, toX, toY), { colour, width: frame.ratio, alpha: 0.3, rough });
  surface.stroke((pen) => traceLine(pen, line, toX, toY), { colour, width, dash, rough });
  drawDots(surface, layer, toX, toY, frame, colour);
}

/** Corners closer than this many CSS pixels make a line rough. */
const ROUGH_PX = 3;

function isRough(line: Pixels, { plot, ratio }: Frame): boolean {
  return line.length * ROUGH_PX * ratio > plot.width;
}

/** Fills from `low` to `high`, both given point for point. */
function fillBetween(
  surface: Surface,
  line: Pixels,
  high: Float32Array,
  low: Float32Array,
  toX: Place,
  toY: Place,
  frame: Frame,
  colour: string,
  alpha: number,
): void {
  if (!surface.prefersColumns || !isRough(line, frame)) {
    surface.fill((pen) => traceBetween(pen, line, high, low, toX, toY), colour, alpha);
    return;
  }
  const { length, x } = line;
  surface.rects(
    (add) => {
      let left = Math.round(toX(x[0]));
      for (let i = 0; i < length; i++) {
        // Whole pixels: neighbours that overlap or leave a gap would show as stripes.
        const right = i + 1 < length ? Math.round((toX(x[i]) + toX(x[i + 1])) / 2) : Math.round(toX(x[i]));
        if (right > left && !Number.isNaN(high[i])) {
          const top = toY(high[i]);
          add(left, top, right - left, toY(low[i]) - top);
        }
        left = Math.max(left, right);
      }
    },
    colour,
    alpha,
  );
}

/** Every epoch has its dot while there is room for it; a value between two gaps has one always. */
function drawDots(surface: Surface, layer: Layer, toX: Place, toY: Place, frame: Frame, colour: string): void {
  const { line, series } = layer;
  const roomy = series.sparse === true && line.length * 9 * frame.ratio < frame.plot.width;
  if (!roomy && line.length > 2 * frame.plot.width) return;
  const radius = Math.max(2, series.style.width + 0.75) * frame.ratio;
  for (let i = 0; i < line.length; i++) {
    if (Number.isNaN(line.mean[i])) continue;
    const alone =
      (i === 0 || Number.isNaN(line.mean[i - 1])) && (i + 1 >= line.length || Number.isNaN(line.mean[i + 1]));
    if (roomy || alone) surface.dot(toX(line.x[i]), toY(line.mean[i]), radius, colour);
  }
}

export function traceLine(pen: Pen, { length, x, mean }: Pixels, toX: Place, toY: Place): void {
  let drawing = false;
  for (let i = 0; i < length; i++) {
    if (Number.isNaN(mean[i])) {
      drawing = false;
      continue;
    }
    if (drawing) pen.lineTo(toX(x[i]), toY(mean[i]));
    else pen.moveTo(toX(x[i]), toY(mean[i]));
    drawing = true;
  }
}

/** Everything between two edges, one outline for each stretch without gaps. */
export function traceBetween(
  pen: Pen,
  { length, x }: Pixels,
  high: Float32Array,
  low: Float32Array,
  toX: Place,
  toY: Place,
): void {
  let from = 0;
  while (from < length) {
    if (Number.isNaN(high[from])) {
      from += 1;
      continue;
    }
    let to = from;
    while (to < length && !Number.isNaN(high[to])) to += 1;
    pen.moveTo(toX(x[from]), toY(high[from]));
    for (let i = from + 1; i < to; i++) pen.lineTo(toX(x[i]), toY(high[i]));
    for (let i = to - 1; i >= from; i--) pen.lineTo(toX(x[i]), toY(low[i]));
    pen.closePath();
    from = to;
  }
}

function drawReference(
  surface: Surface,
  line: ReferenceLine,
  toY: Place,
  { plot, ratio }: Frame,
  theme: ChartTheme,
): void {
  const y = Math.round(toY(line.y)) + 0.5;
  const dash = line.style.dash.map((length) => length * ratio);
  const style = { colour: theme.colour(line.style.colour), width: line.style.width * ratio, dash, alpha: 0.9 };
  surface.stroke((pen) => {
    pen.moveTo(plot.x, y);
    pen.lineTo(plot.x + plot.width, y);
  }, style);
}

const LABEL_HEIGHT = 12;

/** Names at one end of the lines, pushed apart where lines lie close; lines out of view have none. */
function drawReferenceLabels(
  surface: Surface,
  scene: Scene,
  toX: Place,
  toY: Place,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { plot, ratio } = frame;
  const bottom = plot.y + plot.height;
  const inView = scene.references
    .map((line) => ({ line, y: toY(line.y) }))
    .filter(({ y }) => y >= plot.y && y <= bottom)
    .toSorted((a, b) => a.y - b.y);
  const heights = inView.map(({ y }) => y);
  const left = clearance(scene, heights, 0, toX, toY, frame) > clearance(scene, heights, 0.75, toX, toY, frame);
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

/** Names inside stacked areas where they are thick enough, so that colour is not the only key. */
function drawAreaLabels(surface: Surface, scene: Scene, toX: Place, toY: Place, frame: Frame, theme: ChartTheme): void {
  const { plot, ratio } = frame;
  const right = plot.x + plot.width - 6 * ratio;
  for (const { line, floor, series } of scene.layers) {
    if (!floor || line.length === 0) continue;
    let i = line.length - 1;
    while (i > 0 && toX(line.x[i]) > right - 24 * ratio) i -= 1;
    const top = toY(line.mean[i]);
    const bottom = toY(floor[i]);
    if (bottom - top < 18 * ratio) continue;
    surface.text(series.style.label, right, (top + bottom) / 2 + 4 * ratio, {
      colour: theme.text,
      font: scaledFont(theme.font, ratio),
      align: 'right',
    });
  }
}

/** How far the data stays away from the given heights, on average, in the quarter of the plot that begins at `from`. */
function clearance(
  scene: Scene,
  heights: readonly number[],
  from: number,
  toX: Place,
  toY: Place,
  { plot }: Frame,
): number {
  const start = plot.x + from * plot.width;
  const end = start + plot.width / 4;
  let sum = 0;
  let count = 0;
  for (const { line } of scene.layers) {
    for (let i = 0; i < line.length; i++) {
      const x = toX(line.x[i]);
      if (x < start || x > end || Number.isNaN(line.mean[i])) continue;
      const y = toY(line.mean[i]);
      let nearest = Infinity;
      for (const height of heights) nearest = Math.min(nearest, Math.abs(height - y));
      sum += nearest;
      count += 1;
    }
  }
  return count === 0 ? Infinity : sum / count;
}

function drawMarkerLines(
  surface: Surface,
  markers: readonly ChartMarker[],
  toX: Place,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { plot, ratio } = frame;
  for (const { x, tone } of markers) {
    const at = Math.round(toX(x)) + 0.5;
    surface.stroke(
      (pen) => {
        pen.moveTo(at, plot.y);
        pen.lineTo(at, plot.y + plot.height);
      },
      { colour: theme.tones[tone], width: ratio, dash: [2 * ratio, 3 * ratio], alpha: 0.65 },
    );
  }
}

/** A tick for a gate that held, a cross for one that did not: told apart without colour. */
function drawMarkerFlags(
  surface: Surface,
  markers: readonly ChartMarker[],
  toX: Place,
  frame: Frame,
  theme: ChartTheme,
): void {
  const { plot, ratio } = frame;
  for (const { x, tone } of markers) {
    const at = toX(x);
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

/** "11px sans" at another size. */
export function scaledFont(font: string, factor: number): string {
  return font.replace(/^[\d.]+px/, (size) => `${Math.round(Number.parseFloat(size) * factor * 10) / 10}px`);
}
