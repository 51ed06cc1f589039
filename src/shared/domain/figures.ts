/** Numbers as a person reads them in a sentence or a table; null and non-finite are "not measured". */

export const NOT_MEASURED = 'not measured';

function missing(value: number | null | undefined): value is null | undefined {
  return value === null || value === undefined || !Number.isFinite(value);
}

/** A cosine, loss or ratio: four decimals, or three significant digits where those would be all zeros. */
export function figure(value: number | null | undefined, decimals = 4): string {
  if (missing(value)) return NOT_MEASURED;
  if (value !== 0 && Math.abs(value) < 0.5 * 10 ** (1 - decimals)) return value.toPrecision(3).replaceAll('-', '−');
  return value.toFixed(decimals).replace('-', '−');
}

/** A difference with its sign. */
export function signed(value: number | null | undefined, decimals = 4): string {
  if (missing(value)) return NOT_MEASURED;
  const digits = Math.abs(value).toFixed(decimals);
  if (Number(digits) === 0) return `±${digits}`;
  return (value < 0 ? '−' : '+') + digits;
}

/** The minimum that a gate asks of a figure, shown as the figure by `show`; 0 has no sign. */
export function minimumText(minimum: number, show: (value: number) => string): string {
  return minimum === 0 ? '0' : show(minimum);
}

/** A share of 1 as a percentage. */
export function percent(share: number | null | undefined, decimals = 0): string {
  if (missing(share)) return NOT_MEASURED;
  const digits = (100 * share).toFixed(decimals);
  return `${Number(digits) === 0 ? digits.replace('-', '') : digits.replace('-', '−')} %`;
}

/** Rows, vectors, steps: digits in groups of three. Not by `Intl`, whose locale data takes 15 ms of every process's start. */
export function count(value: number | null | undefined): string {
  return missing(value) ? NOT_MEASURED : String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

export function duration(milliseconds: number | null | undefined): string {
  if (missing(milliseconds)) return NOT_MEASURED;
  const seconds = milliseconds / 1000;
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "AMN, LSTM and GRU stack"; not by `Intl` either. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** A count with its noun in the right number. */
export function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}
