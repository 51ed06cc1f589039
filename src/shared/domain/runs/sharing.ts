/** How runs share one machine: how many train at once, and what was measured to choose that. */
import { count, plural } from '../figures.ts';

/** Runs at once: a number, or measured whenever several wait. */
export type Parallel = number | 'auto';

export interface Share {
  /** Runs at once, and the threads of each. */
  readonly runs: number;
  readonly threads: number;
  /** Training rows a second of all of them together. */
  readonly rowsPerSecond: number;
}

/** Kept with a run that may have had others beside it. */
export interface Sharing {
  /** The most runs that train at once. */
  readonly most: number;
  /** Why that many; empty: it was asked for. */
  readonly measured: Share[];
}

export function parallelWords(parallel: Parallel): string {
  if (parallel === 1) return 'one run trains at a time';
  return parallel === 'auto' ? 'as many runs train at once as are fastest' : `up to ${parallel} runs train at once`;
}

/** "up to 2 runs at once (measured: 1 × 2 threads 8,300 rows/s, 2 × 1 thread 13,900 rows/s)" */
export function sharingWords({ most, measured }: Sharing): string {
  const figures = measured.map(
    ({ runs, threads, rowsPerSecond }) => `${runs} × ${plural(threads, 'thread')} ${count(rowsPerSecond)} rows/s`,
  );
  const why = figures.length === 0 ? '' : ` (measured: ${figures.join(', ')})`;
  return `up to ${plural(most, 'run')} at once${why}`;
}
