/**
 * Output of the command line. With --json: one object a line on stdout and nothing else, the last line the result.
 * Without: tables on stdout, progress on stderr (one line that rewrites itself on a terminal).
 * Control characters in names, paths and messages reach no terminal: they are escaped here and nowhere else.
 */
import { escapeControls, escapeLine } from '#shared/domain/text-escapes.ts';

export type Cell = string | number | null;

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => Cell;
  readonly align?: 'left' | 'right';
}

export interface Output {
  readonly json: boolean;
  /** An event on the way; JSON only. */
  event(event: object): void;
  /** The result: last line of --json, otherwise `readable` is called. */
  result(value: object, readable: () => void): void;
  line(text?: string): void;
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void;
  /** What went wrong, on stderr. */
  problem(text: string): void;
  /** Progress for a person. With `final` it stays. */
  progress(text: string, final?: boolean): void;
  /** Lines on stderr in place of those of the frame before; on a terminal only. */
  frame(lines: readonly string[]): void;
  readonly drawsFrames: boolean;
  /** Characters of a line. */
  readonly columns: number;
}

const USUAL_COLUMNS = 80;

const NOT_MEASURED = '–';

/** NaN and ±Infinity are no JSON; what was not measured is null. Typed arrays become plain lists. */
export function toJsonLine(value: object): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'number' && !Number.isFinite(item)) return null;
    if (item instanceof Float32Array || item instanceof Float64Array) return [...item];
    return item;
  });
  // JSON leaves DEL, C1 and marks of direction as they are; all of them stand inside strings.
  return escapeControls(text);
}

function cellText(cell: Cell): string {
  if (cell === null) return NOT_MEASURED;
  return typeof cell === 'number' ? cell.toLocaleString('en-US', { maximumFractionDigits: 4 }) : escapeLine(cell);
}

export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map(({ value }) => cellText(value(row))));
  const titles = columns.map(({ title }) => escapeLine(title));
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i].length)));
  const right = columns.map(
    ({ align }, i) => align === 'right' || rows.some((row) => typeof columns[i].value(row) === 'number'),
  );
  const format = (line: readonly string[]): string =>
    line
      .map((text, i) => (right[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  return [format(titles), ...cells.map(format)].join('\n');
}

export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

/** Progress on stderr, drawn over what it drew before. `close` ends that, before anything else is printed. */
function createProgress(stderr: Streams['stderr'], columns: number) {
  let open = false;
  let frameLines = 0;
  const close = (): void => {
    if (open) stderr.write('\r\u001B[K');
    open = false;
    frameLines = 0;
  };
  const frame: Output['frame'] = (lines) => {
    const up = frameLines === 0 ? '' : `\u001B[${frameLines}A`;
    const text = lines.map((one) => `${escapeLine(one).slice(0, columns - 1)}\u001B[K\n`).join('');
    stderr.write(`${up}${text}\u001B[J`);
    frameLines = lines.length;
  };
  const progress: Output['progress'] = (unsafe, final = false) => {
    const text = escapeLine(unsafe);
    if (!stderr.isTTY) {
      if (final) stderr.write(`${text}\n`);
      return;
    }
    stderr.write(`\r\u001B[K${text.slice(0, Math.max(20, columns - 1))}${final ? '\n' : ''}`);
    open = !final;
  };
  return { close, frame, progress };
}

export function createOutput(json: boolean, { stdout, stderr }: Streams = process): Output {
  const columns = stderr.columns || USUAL_COLUMNS;
  const drawsFrames = !json && stderr.isTTY === true;
  const { close, frame, progress } = createProgress(stderr, columns);
  const line = (text = ''): void => {
    close();
    if (!json) stdout.write(`${escapeControls(text)}\n`);
  };
  return {
    json,
    columns,
    drawsFrames,
    frame: (lines) => {
      if (drawsFrames) frame(lines);
    },
    line,
    progress,
    event: (event) => {
      if (json) stdout.write(`${toJsonLine(event)}\n`);
    },
    result: (value, readable) => {
      close();
      if (json) stdout.write(`${toJsonLine(value)}\n`);
      else readable();
    },
    table: (rows, columns) => line(formatTable(rows, columns)),
    problem: (text) => {
      close();
      stderr.write(`${escapeControls(text)}\n`);
    },
  };
}

/** Draws the progress events of a stream. */
export function printProgress({ phase, fraction }: { phase: string; fraction: number | null }, out: Output): void {
  out.progress(fraction === null ? phase : `${phase} ${Math.floor(fraction * 100)} %`);
}

export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  let value = bytes;
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${i === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[i]}`;
}

export function formatCosine(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? NOT_MEASURED
    : value.toFixed(4).replace('-', '−');
}
