/**
 * Formats numbers for the page: digits, minus signs, thousands separators, units; always in English. null is a dash,
 * never 0. Pure.
 */

/** Shown for null; give the element a title or label that says "not measured". */
export const NOT_MEASURED = '–';
const MINUS = '\u2212';
const THIN_SPACE = '\u202f';

type Figure = number | null | undefined;

function missing(value: Figure): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value);
}

function withMinus(text: string): string {
  return text.replace(/^-/, MINUS);
}

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 8,012 */
export function formatCount(value: Figure): string {
  return missing(value) ? NOT_MEASURED : withMinus(integers.format(value));
}

/** 0.4607 */
export function formatCosine(value: Figure, digits = 4): string {
  if (missing(value)) return NOT_MEASURED;
  const text = value.toFixed(digits);
  return withMinus(Number(text) === 0 ? (0).toFixed(digits) : text);
}

/** +0.0207, −0.0118, ±0.0000 */
export function formatDelta(value: Figure, digits = 4): string {
  if (missing(value)) return NOT_MEASURED;
  const text = Math.abs(value).toFixed(digits);
  const sign = Number(text) === 0 ? '±' : value > 0 ? '+' : MINUS;
  return sign + text;
}

/** 38.2 %; the share is 0..1. */
export function formatShare(share: Figure, digits = 1): string {
  return missing(share) ? NOT_MEASURED : `${withMinus((share * 100).toFixed(digits))}${THIN_SPACE}%`;
}

/** Any figure with a few significant digits: 0.036083, 6.931, 5e-4. */
export function formatFigure(value: Figure, significant = 4): string {
  if (missing(value)) return NOT_MEASURED;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 10_000) return formatCount(value);
  if (size < 1e-4) return withMinus(value.toExponential(significant - 1).replace(/\.?0+e/, 'e'));
  return withMinus(Number(value.toPrecision(significant)).toString());
}

/** A value of a recipe as it would be typed: 0.0005 → 5e-4. */
export function formatInput(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'number') return String(value);
  if (Number.isNaN(value)) return '';
  const plain = String(value);
  if (value !== 0 && Math.abs(value) < 1e-2) {
    const exponential = value.toExponential();
    if (exponential.length <= plain.length) return exponential;
  }
  return plain;
}

/** 1.51 M, 17.9 M, 80.6 k */
export function formatCompact(value: Figure): string {
  if (missing(value)) return NOT_MEASURED;
  const units: readonly (readonly [number, string])[] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [size, unit] of units) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${THIN_SPACE}${unit}`;
  }
  return formatCount(value);
}

/** 13.4 GB; decimal units, as the file managers of Mac and Linux show them. */
export function formatBytes(bytes: Figure): string {
  if (missing(bytes)) return NOT_MEASURED;
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const amount = bytes / 1000 ** power;
  return `${power === 0 ? formatCount(amount) : amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0)} ${units[power]}`;
}

/** 0.4 s, 38 s, 1.7 min, 26 min, 1 h 04 min, 2 d 3 h */
export function formatDuration(ms: Figure): string {
  if (missing(ms)) return NOT_MEASURED;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 570) return `${(seconds / 60).toFixed(1)} min`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** 24–31 min: one unit for both ends where they share it. */
export function formatDurationRange(lowMs: number, highMs: number): string {
  const low = formatDuration(lowMs);
  const high = formatDuration(highMs);
  if (low === high) return low;
  // 78 s and 1.7 min read better as 1.3–1.7 min.
  if (low.endsWith(' s') && high.endsWith('min') && !high.includes('h')) {
    return `${(lowMs / 60_000).toFixed(1)}–${high}`;
  }
  const unit = / (s|min)$/.exec(low)?.[0];
  return unit !== undefined && high.endsWith(unit) && !high.includes('h')
    ? `${low.slice(0, -unit.length)}–${high}`
    : `${low} – ${high}`;
}

/** 8,012 rows/s */
export function formatRate(rowsPerSecond: Figure): string {
  return missing(rowsPerSecond) ? NOT_MEASURED : `${formatCount(rowsPerSecond)} rows/s`;
}

/** 14:02 today, "Yesterday 14:02", "3 Nov 14:02", "3 Nov 2025". */
export function formatWhen(at: Figure, now = Date.now()): string {
  if (missing(at)) return NOT_MEASURED;
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (at >= midnight) return time;
  if (at >= midnight - 86_400_000) return `Yesterday ${time}`;
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  const year = date.getFullYear();
  return year === new Date(now).getFullYear() ? `${day} ${time}` : `${day} ${year}`;
}

/** "1 run", "3 runs", "8,012 windows" */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}
