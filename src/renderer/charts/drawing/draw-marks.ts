/** Draws what stands beside the data of a chart: reference lines and their labels, labels of areas, markers of events. */
import { lowerBound } from '../data/columns.ts';
import { place, scaledFont, type Drawing, type Frame, type PlacedLayer } from './drawing.ts';
import type { Pen } from './surface.ts';

export function drawReferences({ surface, scene, frame: { plot, ratio }, theme, toY }: Drawing): void {
  for (const line of scene.references) {
    const y = Math.round(place(line.y, toY)) + 0.5;
    const dash = line.style.dash.map((length) => length * ratio);
    const style = { colour: theme.colour(line.style.colour), width: line.style.width * ratio, dash, alpha: 0.9 };
    surface.stroke((pen) => {
      pen.moveTo(plot.x, y);
      pen.lineTo(plot.x + plot.width, y);
    }, style);
  }
}

const LABEL_HEIGHT = 12;

/** Labels at one end of the reference lines, pushed apart where lines are close. Lines out of view have none. */
export function drawReferenceLabels({ surface, scene, placed, toY, frame, theme }: Drawing): void {
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
export function drawAreaLabels({ surface, placed, toY, frame: { plot, ratio }, theme }: Drawing): void {
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

export function drawMarkerLines({ surface, markers, toX, frame: { plot, ratio }, theme }: Drawing): void {
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
export function drawMarkerFlags({ surface, markers, toX, frame: { plot, ratio }, theme }: Drawing): void {
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
