/** Exports a chart: PNG and SVG with title, axes and legend; CSV of the points in memory. */
import { csvText } from '#shared/domain/text-escapes.ts';
import type { ChartTheme } from './chart-theme.ts';
import { drawScene } from './draw.ts';
import { scaledFont } from './drawing.ts';
import type { ChartSeries } from './scene.ts';
import { CanvasSurface, SvgSurface, type Rect, type Surface } from './surface.ts';
import type { XUnit } from './ticks.ts';
import type { AxisTick, TimePlot } from './time-plot.ts';

const WIDTH = 960;
const HEIGHT = 480;
const MARGIN = { left: 64, right: 24, top: 72, bottom: 48 };

export interface FigureText {
  readonly title: string;
  /** What x counts. */
  readonly xName: XUnit;
}

type Picture = NonNullable<ReturnType<TimePlot['picture']>>;

function drawFigure(surface: Surface, picture: Picture, text: FigureText, theme: ChartTheme): void {
  const plot: Rect = {
    x: MARGIN.left,
    y: MARGIN.top,
    width: WIDTH - MARGIN.left - MARGIN.right,
    height: HEIGHT - MARGIN.top - MARGIN.bottom,
  };
  surface.rect({ x: 0, y: 0, width: WIDTH, height: HEIGHT }, theme.panel);
  surface.text(text.title, MARGIN.left, 28, { colour: theme.text, font: scaledFont(theme.font, 1.4), weight: 'bold' });
  drawLegend(surface, picture, theme);
  drawAxes(surface, picture, plot, text, theme);
  const larger = { ...theme, font: scaledFont(theme.font, 1.1) };
  drawScene(surface, picture.scene, picture.input.markers, { plot, log: picture.input.log, ratio: 1 }, larger);
}

function drawLegend(surface: Surface, { scene }: Picture, theme: ChartTheme): void {
  const font = scaledFont(theme.font, 1.1);
  let x = MARGIN.left;
  for (const { series } of scene.layers) {
    const { label, colour, dash, width } = series.style;
    const from = x;
    surface.stroke(
      (pen) => {
        pen.moveTo(from, 48);
        pen.lineTo(from + 22, 48);
      },
      { colour: theme.colour(colour), width: width + 0.5, dash },
    );
    surface.text(label, x + 28, 52, { colour: theme.text2, font });
    x += 28 + label.length * 6.8 + 20;
  }
}

function drawAxes(surface: Surface, picture: Picture, plot: Rect, text: FigureText, theme: ChartTheme): void {
  const { scene, input } = picture;
  const bottom = plot.y + plot.height;
  const toX = (v: number) => plot.x + ((v - scene.x.min) / (scene.x.max - scene.x.min)) * plot.width;
  const scaleY = input.log ? Math.log10 : (v: number) => v;
  const toY = (v: number) =>
    bottom - ((scaleY(v) - scaleY(scene.y.min)) / (scaleY(scene.y.max) - scaleY(scene.y.min))) * plot.height;
  const rule = (x0: number, y0: number, x1: number, y1: number, colour: string) =>
    surface.stroke(
      (pen) => {
        pen.moveTo(x0, y0);
        pen.lineTo(x1, y1);
      },
      { colour, width: 1 },
    );
  const label = { colour: theme.text2, font: theme.font };
  for (const tick of within(picture.xTicks, scene.x.min, scene.x.max)) {
    rule(toX(tick.value), plot.y, toX(tick.value), bottom, theme.grid);
    surface.text(tick.label, toX(tick.value), bottom + 17, { ...label, align: 'center' });
  }
  for (const tick of within(picture.yTicks, scene.y.min, scene.y.max)) {
    rule(plot.x, toY(tick.value), plot.x + plot.width, toY(tick.value), theme.grid);
    surface.text(tick.label, plot.x - 8, toY(tick.value) + 4, { ...label, align: 'right' });
  }
  rule(plot.x, bottom, plot.x + plot.width, bottom, theme.axis);
  surface.text(text.xName, plot.x + plot.width, bottom + 36, { ...label, align: 'right' });
}

function within(ticks: readonly AxisTick[], min: number, max: number): AxisTick[] {
  return ticks.filter(({ value }) => value >= min && value <= max);
}

export function figureSvg(picture: Picture, text: FigureText, theme: ChartTheme): string {
  const surface = new SvgSurface();
  drawFigure(surface, picture, text, theme);
  return surface.document(WIDTH, HEIGHT, text.title);
}

export async function figurePng(picture: Picture, text: FigureText, theme: ChartTheme): Promise<Blob> {
  const scale = 2;
  const canvas = new OffscreenCanvas(WIDTH * scale, HEIGHT * scale);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no 2-D canvas to draw the picture on.');
  context.scale(scale, scale);
  drawFigure(new CanvasSurface(context), picture, text, theme);
  return canvas.convertToBlob({ type: 'image/png' });
}

function cell(value: number): string {
  return Number.isNaN(value) ? '' : String(Number(value.toPrecision(7)));
}

/** One row per x of any series; min and max beside the mean where a point stands for several steps. */
export function figureCsv(series: readonly ChartSeries[], unit: XUnit): string {
  const rows = new Map<number, string[]>();
  const header = [unit === 'time' ? 'elapsed_ms' : 'step'];
  for (const { style, points } of series) {
    const banded = points.min !== points.max;
    const at = header.length - 1;
    header.push(...(banded ? [style.label, `${style.label} min`, `${style.label} max`] : [style.label]));
    for (let i = 0; i < points.x.length; i++) {
      const row = rows.get(points.x[i]) ?? [];
      row[at] = cell(points.mean[i]);
      if (banded) {
        row[at + 1] = cell(points.min[i]);
        row[at + 2] = cell(points.max[i]);
      }
      rows.set(points.x[i], row);
    }
  }
  const columns = header.length - 1;
  const lines = [...rows].toSorted(([a], [b]) => a - b);
  const body = lines.map(([x, row]) => [x, ...Array.from({ length: columns }, (_, i) => row[i] ?? '')].join(','));
  return [header.map(csvText).join(','), ...body].join('\n').concat('\n');
}

/** Downloads a file. */
export function saveAs(fileName: string, content: Blob | string, type = 'text/plain'): void {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
