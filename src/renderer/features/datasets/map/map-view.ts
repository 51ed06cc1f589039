/** The map as pixels, colours and words. Pure: no canvas, no store. n points. */
import { percent, figure, count } from '#shared/domain/figures.ts';
import { MAP_SIDES, type MapSide, type VectorMap } from '#shared/domain/datasets/vector-map.ts';

export const MAP_COLOURS = ['article', 'split', 'error'] as const;
export type MapColour = (typeof MAP_COLOURS)[number];

/** Layout and facts of the points, which are requested separately. */
export type Layout = Pick<VectorMap, 'method' | 'x' | 'y' | 'explained'>;
export type Facts = Pick<VectorMap, 'vector' | 'article' | 'side' | 'cosine' | 'vectors' | 'splitOf'>;

export interface Placed {
  readonly px: Float32Array;
  readonly py: Float32Array;
}

/** Pixels with one scale for both axes, centred, `pad` from the edge. */
export function place({ x, y }: Layout, width: number, height: number, pad = 12): Placed {
  const [left, right] = [Math.min(...x), Math.max(...x)];
  const [low, high] = [Math.min(...y), Math.max(...y)];
  const scale = Math.min(
    (width - 2 * pad) / Math.max(right - left, 1e-9),
    (height - 2 * pad) / Math.max(high - low, 1e-9),
  );
  const atX = (v: number) => width / 2 + (v - (left + right) / 2) * scale;
  const atY = (v: number) => height / 2 - (v - (low + high) / 2) * scale;
  return { px: x.map(atX), py: y.map(atY) };
}

/** Index of the point nearest to a pixel and within reach, or null. */
export function pointAt({ px, py }: Placed, x: number, y: number, reach = 8): number | null {
  let best: number | null = null;
  let nearest = reach * reach;
  for (let i = 0; i < px.length; i++) {
    const distance = (px[i] - x) ** 2 + (py[i] - y) ** 2;
    if (distance <= nearest) [best, nearest] = [i, distance];
  }
  return best;
}

/** Position of each point on a colour scale, 0..1; NaN without a value. */
export function scalePlaces(facts: Facts, colour: MapColour): Float32Array {
  if (colour === 'article') return articlePlaces(facts.article);
  if (colour === 'split' || !facts.cosine) return new Float32Array(facts.article.length).fill(Number.NaN);
  const { low, high } = cosineRange(facts.cosine);
  return facts.cosine.map((c) => Math.min(1, Math.max(0, (c - low) / Math.max(high - low, 1e-9))));
}

/** Articles in the order of the file, so that neighbours have like colours. */
function articlePlaces(article: Float64Array): Float32Array {
  const order = new Map<number, number>();
  for (const a of article) if (!Number.isNaN(a) && !order.has(a)) order.set(a, order.size);
  return Float32Array.from(article, (a) =>
    Number.isNaN(a) ? Number.NaN : (order.get(a) ?? 0) / Math.max(order.size - 1, 1),
  );
}

export interface CosineRange {
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  readonly measured: number;
}

/** 5th and 95th percentile, so that outliers do not dominate the scale; NaN is left out. */
export function cosineRange(cosine: Float32Array): CosineRange {
  const sorted = cosine.filter((c) => !Number.isNaN(c)).toSorted();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const mean = sorted.reduce((a, b) => a + b, 0) / Math.max(sorted.length, 1);
  return { low: at(0.05), high: at(0.95), mean, measured: sorted.length };
}

export function sideAt(side: Float32Array, i: number): MapSide {
  return MAP_SIDES[side[i]] ?? 'none';
}

export const SIDE_WORDS: Readonly<Record<MapSide, string>> = {
  none: 'on neither side',
  train: 'training',
  validation: 'validation',
  both: 'on both sides',
};

/** Number of points on each side of the split, without empty ones. */
export function sideCounts(side: Float32Array): { side: MapSide; points: number }[] {
  return MAP_SIDES.map((name, code) => ({ side: name, points: side.filter((s) => s === code).length })).filter(
    ({ points }) => points > 0,
  );
}

/** Description for screen readers. */
export function mapSummary(layout: Layout, facts: Facts): string {
  const n = layout.x.length;
  const drawn = n === facts.vectors ? `all ${count(n)} vectors` : `${count(n)} of ${count(facts.vectors)} vectors`;
  const known = new Set(facts.article.filter((a) => !Number.isNaN(a))).size;
  const parts = [
    `${layout.method === 'pca' ? 'PCA' : 'UMAP'} of ${drawn}${known > 0 ? ` from ${count(known)} articles` : ''}.`,
  ];
  if (layout.explained) {
    const [first, second] = layout.explained;
    parts.push(`The axes hold ${percent(first, 1)} and ${percent(second, 1)} of the variance.`);
  }
  if (facts.side) {
    const words = sideCounts(facts.side).map(({ side, points }) => `${count(points)} ${SIDE_WORDS[side]}`);
    parts.push(`Split of ${facts.splitOf}: ${words.join(', ')}.`);
  }
  if (facts.cosine) {
    const { low, high, mean, measured } = cosineRange(facts.cosine);
    parts.push(
      `Cosine of ${facts.splitOf} at ${count(measured)} targets: mean ${figure(mean, 3)}, 90 % between ${figure(low, 3)} and ${figure(high, 3)}.`,
    );
  }
  return parts.join(' ');
}

/** Mixes hex colours along their line; t in 0..1. */
export function mixColours(stops: readonly string[], t: number): string {
  const at = Math.min(0.9999, Math.max(0, t)) * (stops.length - 1);
  const i = Math.floor(at);
  const [a, b] = [rgb(stops[i]), rgb(stops[Math.min(i + 1, stops.length - 1)])];
  return `rgb(${a.map((value, c) => Math.round(value + (b[c] - value) * (at - i))).join(' ')})`;
}

function rgb(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
