/**
 * Builds what a frame draws from columns: the points in view, stacked where asked for, and the y range. Pure; runs at
 * most once a frame. Not here: drawing (draw.ts), axes and pointers (time-plot.ts).
 */
import type { Points } from '../data/columns.ts';
import { clipEnds, decimate, emptyPixels, widen, type Pixels } from '../data/decimate.ts';
import type { SeriesStyle } from './series-style.ts';
import { smooth } from '../data/smoothing.ts';

export interface ChartSeries {
  readonly key: string;
  readonly style: SeriesStyle;
  readonly points: Points;
  /** One value per epoch rather than per step: drawn with dots and never smoothed. */
  readonly sparse?: boolean;
}

/** A horizontal line to compare the data with. */
export interface ReferenceLine {
  readonly key: string;
  readonly style: SeriesStyle;
  readonly y: number;
  /** Does not extend the y range, so it shows only when the data is near. */
  readonly passive?: boolean;
}

/** An event at one x, e.g. a gate. */
export interface ChartMarker {
  readonly x: number;
  readonly label: string;
  readonly tone: 'good' | 'warn' | 'bad';
}

export interface ChartInput {
  readonly series: readonly ChartSeries[];
  readonly references: readonly ReferenceLine[];
  readonly markers: readonly ChartMarker[];
  /** Draws the series as stacked areas; all must share one x. */
  readonly stacked: boolean;
  readonly log: boolean;
  /** Smoothing in steps; 0: off. */
  readonly halfLife: number;
  readonly hidden: ReadonlySet<string>;
  /** Fixed ends of the y axis. */
  readonly yMin?: number;
  readonly yMax?: number;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface Layer {
  readonly series: ChartSeries;
  /** The main line. */
  readonly line: Pixels;
  /** The unsmoothed line, drawn faintly behind; null when `line` is not smoothed. */
  readonly raw: Pixels | null;
  /** Lower edge of a stacked area, point for point. */
  readonly floor: Float32Array | null;
}

export interface Scene {
  readonly layers: readonly Layer[];
  readonly references: readonly ReferenceLine[];
  readonly x: Range;
  readonly y: Range;
}

/** Buffers and smoothed columns kept from frame to frame. */
export class SceneCache {
  readonly #pixels = new Map<string, { line: Pixels; raw: Pixels; floor: Float32Array }>();
  readonly #smooth = new Map<string, { from: Points; halfLife: number; points: Points }>();

  pixels(key: string): { line: Pixels; raw: Pixels; floor: Float32Array } {
    const known = this.#pixels.get(key) ?? { line: emptyPixels(), raw: emptyPixels(), floor: new Float32Array(0) };
    this.#pixels.set(key, known);
    return known;
  }

  smooth(key: string, points: Points, halfLife: number): Points {
    const known = this.#smooth.get(key);
    if (known?.from === points && known.halfLife === halfLife) return known.points;
    const made = { from: points, halfLife, points: smooth(points, halfLife) };
    this.#smooth.set(key, made);
    return made.points;
  }
}

export function buildScene(input: ChartInput, x: Range, widthPx: number, cache: SceneCache): Scene {
  const shown = input.series.filter((s) => !input.hidden.has(s.key));
  const layers = shown.map((series) => layerOf(input, series, x, widthPx, cache));
  if (input.stacked) stack(layers, cache);
  const references = input.references.filter((line) => !input.hidden.has(line.key));
  return { layers, references, x, y: yRange(input, layers, references) };
}

function layerOf(input: ChartInput, series: ChartSeries, x: Range, widthPx: number, cache: SceneCache): Layer {
  const own = cache.pixels(series.key);
  const smoothed = input.halfLife > 0 && !series.sparse;
  const points = smoothed ? cache.smooth(series.key, series.points, input.halfLife) : series.points;
  const line = decimate(points, x.min, x.max, widthPx, own.line);
  const raw = smoothed && !input.stacked ? decimate(series.points, x.min, x.max, widthPx, own.raw) : null;
  for (const drawn of raw ? [line, raw] : [line]) clipEnds(drawn, x.min, x.max, input.log);
  return { series, line, raw, floor: null };
}

/** Turns values into cumulative sums, first series at the bottom; a gap counts as 0. */
function stack(layers: Layer[], cache: SceneCache): void {
  let below: Float32Array | null = null;
  for (let l = 0; l < layers.length; l++) {
    const { line, series } = layers[l];
    const own = cache.pixels(series.key);
    if (own.floor.length < line.length) own.floor = new Float32Array(line.mean.length);
    for (let i = 0; i < line.length; i++) {
      const base: number = below?.[i] ?? 0;
      own.floor[i] = base;
      line.mean[i] = base + (Number.isNaN(line.mean[i]) ? 0 : line.mean[i]);
    }
    layers[l] = { ...layers[l], floor: own.floor };
    below = line.mean;
  }
}

function yRange(input: ChartInput, layers: readonly Layer[], references: readonly ReferenceLine[]): Range {
  const { log } = input;
  const data = { min: Infinity, max: -Infinity };
  for (const { line, raw } of layers) {
    if (input.stacked) continue;
    widen(data, raw ?? line, log);
  }
  for (const { y, passive } of references) {
    if (passive || (log && y <= 0)) continue;
    data.min = Math.min(data.min, y);
    data.max = Math.max(data.max, y);
  }
  if (!(data.min <= data.max)) Object.assign(data, log ? { min: 1e-3, max: 1 } : { min: 0, max: 1 });
  const padded = log ? padLog(data) : padLinear(data);
  return { min: input.yMin ?? padded.min, max: input.yMax ?? padded.max };
}

const PADDING = 0.06;

function padLinear({ min, max }: Range): Range {
  if (min === 0 && max === 0) return { min: 0, max: 1 };
  const size = max - min;
  const pad = size > 0 ? size * PADDING : Math.max(Math.abs(max) * 0.05, 1e-9);
  const low = min - pad;
  // Quantities that are never negative keep 0 as their floor.
  return { min: min >= 0 && low < 0 ? 0 : low, max: max + pad };
}

function padLog({ min, max }: Range): Range {
  const factor = Math.max((max / min) ** PADDING, 1.15);
  return { min: min / factor, max: max * factor };
}
