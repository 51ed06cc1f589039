/**
 * Small SVG charts for reports: lines over epochs and stacked share bars. No scripts; colours follow the reader's light
 * or dark setting. Not the live charts of the window.
 */
import { escapeXml } from '#shared/domain/text-escapes.ts';

/** Okabe-Ito, in a fixed order; never colour alone: lines carry a dash and a label. */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'] as const;
/** The same hues, light enough to read as text on a dark page. */
const DARK_TEXT = ['#56A5E0', '#F0763A', '#2FC296', '#D990BB', '#E69F00', '#7CC8F2'] as const;
const DASHES = ['', '6 3', '2 3', '8 3 2 3', '1 3', '10 4'] as const;

export interface LineSeries {
  readonly label: string;
  /** One value an epoch; null: not measured. */
  readonly values: readonly (number | null)[];
}

export type Chart =
  | {
      readonly kind: 'lines';
      readonly title: string;
      readonly yLabel: string;
      readonly series: readonly LineSeries[];
      /** Horizontal lines, e.g. baselines. */
      readonly references: readonly { readonly label: string; readonly value: number }[];
    }
  | {
      readonly kind: 'shares';
      readonly title: string;
      readonly bars: readonly {
        readonly label: string;
        readonly parts: readonly { readonly label: string; readonly share: number }[];
      }[];
    };

const WIDTH = 720;
const HEIGHT = 300;
const MARGIN = { left: 56, right: 168, top: 34, bottom: 38 } as const;
const ROW_HEIGHT = 34;

const STYLE = `<style>
svg{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
.ink{fill:#1d1d1f}.soft{fill:#6e6e73}.rule{stroke:#d2d2d7}.reference{stroke:#6e6e73}
${COLOURS.map((c, i) => `.c${i}{fill:${c}}`).join('')}
@media (prefers-color-scheme:dark){.ink{fill:#f5f5f7}.soft{fill:#a1a1a6}.rule{stroke:#48484a}.reference{stroke:#a1a1a6}${DARK_TEXT.map((c, i) => `.c${i}{fill:${c}}`).join('')}}
</style>`;

export function renderChart(chart: Chart): string {
  return chart.kind === 'lines' ? lines(chart) : shares(chart);
}

function open(height: number, title: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}">${STYLE}<text class="ink" x="${MARGIN.left}" y="18" font-weight="600">${escapeXml(title)}</text>`;
}

/** About five round tick values over a range. */
function ticks(low: number, high: number): number[] {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= 6) ?? power * 10;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function decimals(step: number): number {
  return Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
}

type Lines = Extract<Chart, { kind: 'lines' }>;

function lines(chart: Lines): string {
  const all = [...chart.series.flatMap((s) => s.values), ...chart.references.map((r) => r.value)];
  const measured = all.filter((v): v is number => v !== null && Number.isFinite(v));
  if (measured.length === 0)
    return `${open(60, chart.title)}<text class="soft" x="${MARGIN.left}" y="44">not measured</text></svg>`;
  const low = Math.min(...measured);
  const high = Math.max(...measured);
  const pad = (high - low || Math.abs(high) || 1) * 0.08;
  const epochs = Math.max(...chart.series.map((s) => s.values.length), 1);
  const x = (epoch: number) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * epoch) / Math.max(epochs - 1, 1);
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * (value - low + pad)) / (high - low + 2 * pad);
  const marks = ticks(low - pad, high + pad);
  const digits = marks.length > 1 ? decimals(marks[1] - marks[0]) : 3;
  return [
    open(HEIGHT, chart.title),
    ...marks.map((v) => horizontal(y(v), v.toFixed(digits).replace('-', '−'))),
    ...epochTicks(epochs).map(
      (e) => `<text class="soft" x="${x(e).toFixed(1)}" y="${HEIGHT - 20}" text-anchor="middle">${e + 1}</text>`,
    ),
    `<text class="soft" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 4}" text-anchor="middle">epoch</text>`,
    `<text class="soft" x="14" y="${HEIGHT / 2}" transform="rotate(-90 14 ${HEIGHT / 2})" text-anchor="middle">${escapeXml(chart.yLabel)}</text>`,
    ...chart.references.map(
      (r) =>
        `<line class="reference" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(r.value).toFixed(1)}" y2="${y(r.value).toFixed(1)}" stroke-dasharray="3 4"/>`,
    ),
    ...chart.series.map((s, i) => path(s.values, x, y, i)),
    ...lineLabels(chart, (value) => y(value ?? low)),
    '</svg>',
  ].join('');
}

/** Each right of the end of its line. */
function lineLabels({ series, references }: Lines, y: (value: number | null) => number): string[] {
  const labels = spread([
    ...series.map((s, i) => ({ text: s.label, look: `c${i % COLOURS.length}`, at: y(lastOf(s.values)) })),
    ...references.map((r) => ({ text: `${r.label} ${r.value.toFixed(3)}`, look: 'soft', at: y(r.value) })),
  ]);
  return labels.map(
    ({ text, look, at }) =>
      `<text class="${look}" x="${WIDTH - MARGIN.right + 8}" y="${(at + 4).toFixed(1)}">${escapeXml(text)}</text>`,
  );
}

function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** Moves labels apart so that none overlap. */
function spread<L extends { at: number }>(labels: readonly L[]): L[] {
  const sorted = labels.toSorted((a, b) => a.at - b.at).map((label) => ({ ...label }));
  for (let i = 1; i < sorted.length; i++) sorted[i].at = Math.max(sorted[i].at, sorted[i - 1].at + 15);
  return sorted;
}

function horizontal(y: number, label: string): string {
  const at = y.toFixed(1);
  return `<line class="rule" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/><text class="soft" x="${MARGIN.left - 6}" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`;
}

/** Epoch indices to label: all of a few, else about eight. */
function epochTicks(epochs: number): number[] {
  const every = Math.ceil(epochs / 8);
  return Array.from({ length: epochs }, (_, i) => i).filter((i) => i % every === 0 || i === epochs - 1);
}

function path(
  values: readonly (number | null)[],
  x: (e: number) => number,
  y: (v: number) => number,
  i: number,
): string {
  const colour = COLOURS[i % COLOURS.length];
  const points = values.flatMap((v, e) =>
    v === null || !Number.isFinite(v) ? [] : [{ e, at: `${x(e).toFixed(1)},${y(v).toFixed(1)}` }],
  );
  const d = points.map(({ e, at }, k) => `${k === 0 || points[k - 1].e !== e - 1 ? 'M' : 'L'}${at}`).join('');
  const dots =
    points.length > 40
      ? ''
      : points
          .map(({ at }) => `<circle cx="${at.split(',')[0]}" cy="${at.split(',')[1]}" r="2.5" fill="${colour}"/>`)
          .join('');
  return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${DASHES[i % DASHES.length]}"/>${dots}`;
}

function shares(chart: Extract<Chart, { kind: 'shares' }>): string {
  const names = [...new Set(chart.bars.flatMap((bar) => bar.parts.map((part) => part.label)))];
  const left = 200;
  const width = WIDTH - left - 16;
  const height = MARGIN.top + chart.bars.length * ROW_HEIGHT + 30;
  const rows = chart.bars.flatMap((bar, row) => {
    const y = MARGIN.top + row * ROW_HEIGHT;
    let x = left;
    const parts = bar.parts.map((part) => {
      const w = Math.max(0, part.share) * width;
      const text =
        part.share >= 0.08
          ? `<text x="${(x + 6).toFixed(1)}" y="${y + 17}" fill="#fff">${(100 * part.share).toFixed(1)} %</text>`
          : '';
      const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${w.toFixed(1)}" height="24" fill="${colourOf(names, part.label)}"><title>${escapeXml(part.label)} ${(100 * part.share).toFixed(2)} %</title></rect>${text}`;
      x += w;
      return rect;
    });
    return [
      `<text class="ink" x="${left - 8}" y="${y + 17}" text-anchor="end">${escapeXml(bar.label)}</text>`,
      ...parts,
    ];
  });
  const legend = names.map((name, i) => {
    const x = left + i * 110;
    return `<rect x="${x}" y="${height - 20}" width="12" height="12" fill="${colourOf(names, name)}"/><text class="soft" x="${x + 18}" y="${height - 10}">${escapeXml(name)}</text>`;
  });
  return [open(height, chart.title), ...rows, ...legend, '</svg>'].join('');
}

function colourOf(names: readonly string[], name: string): string {
  return COLOURS[names.indexOf(name) % COLOURS.length];
}
