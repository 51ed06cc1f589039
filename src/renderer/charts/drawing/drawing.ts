/** What the drawing functions of one frame share: the surface, the scene and the scales from values to pixels. */
import type { ChartTheme } from './chart-theme.ts';
import type { ChartMarker, Layer, Range, Scene } from './scene.ts';
import type { Rect, Surface } from './surface.ts';

/** Plot area on the surface. `ratio`: surface pixels per CSS pixel. */
export interface Frame {
  readonly plot: Rect;
  readonly log: boolean;
  readonly ratio: number;
}

/** Maps values to surface pixels, linearly or by their logarithm. */
export interface Scale {
  readonly log: boolean;
  /** Pixel of 0 (log: of 1), and pixels per unit (log: per power of ten). */
  readonly origin: number;
  readonly step: number;
  /** Pixel of values at or below 0 on a log scale. */
  readonly beyond: number;
}

/** A line in pixels; NaN at gaps. */
export interface Trace {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export interface PlacedLayer {
  readonly layer: Layer;
  readonly trace: Trace;
}

export interface Drawing {
  readonly surface: Surface;
  readonly scene: Scene;
  readonly markers: readonly ChartMarker[];
  readonly frame: Frame;
  readonly theme: ChartTheme;
  readonly toX: Scale;
  readonly toY: Scale;
  readonly placed: readonly PlacedLayer[];
}

export function xScale(x: Range, { plot }: Frame): Scale {
  const step = plot.width / (x.max - x.min);
  return { log: false, origin: plot.x - x.min * step, step, beyond: Number.NaN };
}

export function yScale(y: Range, { plot, log }: Frame): Scale {
  const bottom = plot.y + plot.height;
  const [min, max] = log ? [Math.log10(y.min), Math.log10(y.max)] : [y.min, y.max];
  const step = -plot.height / (max - min);
  return { log, origin: bottom - min * step, step, beyond: bottom + plot.height };
}

export function place(value: number, { log, origin, step, beyond }: Scale): number {
  if (!log) return origin + value * step;
  return value <= 0 ? beyond : origin + Math.log10(value) * step;
}

/** Scales the size in a font such as "11px sans". */
export function scaledFont(font: string, factor: number): string {
  return font.replace(/^[\d.]+px/, (size) => `${Math.round(Number.parseFloat(size) * factor * 10) / 10}px`);
}
