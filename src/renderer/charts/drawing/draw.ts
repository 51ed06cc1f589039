/** Draws a scene on a surface: bands, lines, areas, dots. Not here: reference lines and markers (draw-marks.ts), axes. */
import type { ChartTheme } from './chart-theme.ts';
import type { Pixels } from '../data/decimate.ts';
import { drawAreaLabels, drawMarkerFlags, drawMarkerLines, drawReferenceLabels, drawReferences } from './draw-marks.ts';
import {
  place,
  xScale,
  yScale,
  type Drawing,
  type Frame,
  type PlacedLayer,
  type Scale,
  type Trace,
} from './drawing.ts';
import type { ChartMarker, Scene } from './scene.ts';
import type { Pen, Surface } from './surface.ts';

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
  const drawing: Drawing = { surface, scene, markers, frame, theme, toX, toY, placed };
  surface.clipped(frame.plot, () => {
    drawMarkerLines(drawing);
    drawReferences(drawing);
    for (const each of placed) drawLayer(drawing, each);
  });
  drawReferenceLabels(drawing);
  drawAreaLabels(drawing);
  drawMarkerFlags(drawing);
}

function traceOf({ length, x, mean }: Pixels, toX: Scale, toY: Scale): Trace {
  return { x: places.of(x, length, toX), y: places.of(mean, length, toY) };
}

function drawLayer(drawing: Drawing, placed: PlacedLayer): void {
  const { surface, frame, theme, toX, toY } = drawing;
  const { layer, trace } = placed;
  const { style } = layer.series;
  const colour = theme.colour(style.colour);
  const width = style.width * frame.ratio;
  const dash = style.dash.map((length) => length * frame.ratio);
  const { line, raw, floor } = layer;
  const rough = isRough(line, frame);
  if (floor) {
    const area = { x: trace.x, high: trace.y, low: places.of(floor, line.length, toY) };
    fillArea(drawing, area, colour, 0.55);
    surface.stroke((pen) => traceLine(pen, trace), { colour, width: frame.ratio, alpha: 0.9, rough });
    return;
  }
  const band = raw ?? line;
  const behind = raw ? traceOf(raw, toX, toY) : trace;
  if (band.banded) {
    const high = places.of(band.max, band.length, toY);
    const low = places.of(band.min, band.length, toY);
    // Bands of epochs, which are intervals, lie over one another.
    fillArea(drawing, { x: behind.x, high, low }, colour, layer.series.sparse ? 0.1 : raw ? 0.14 : 0.24);
  } else if (raw) {
    surface.stroke((pen) => traceLine(pen, behind), { colour, width: frame.ratio, alpha: 0.3, rough });
  }
  surface.stroke((pen) => traceLine(pen, trace), { colour, width, dash, rough });
  drawDots(drawing, placed, colour);
}

/** A line is rough when its points are closer than this, CSS pixels. */
const ROUGH_PX = 3;

function isRough(line: { readonly length: number }, { plot, ratio }: Frame): boolean {
  return line.length * ROUGH_PX * ratio > plot.width;
}

/** An area between two edges; all arrays have one entry a point. */
interface Area {
  readonly x: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
}

function fillArea({ surface, frame }: Drawing, { x, high, low }: Area, colour: string, alpha: number): void {
  if (!surface.prefersColumns || !isRough(x, frame)) {
    surface.fill((pen) => traceArea(pen, { x, high, low }), colour, alpha);
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
function drawDots(
  { surface, frame }: Drawing,
  { layer: { series }, trace: { x, y } }: PlacedLayer,
  colour: string,
): void {
  const { plot, ratio } = frame;
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
function traceArea(pen: Pen, { x, high, low }: Area): void {
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
