/** How runs share one machine: how many train at once, and what was measured to choose that. */
import { z } from 'zod';

/** Runs at once: a number, or measured for each kind of run. */
export const ParallelSchema = z.union([z.int().min(1).max(256), z.literal('auto')]);
export type Parallel = z.infer<typeof ParallelSchema>;

export const ShareSchema = z.object({
  /** Runs at once, and the threads of each. */
  runs: z.int(),
  threads: z.int(),
  /** Training rows a second of all of them together. */
  rowsPerSecond: z.number(),
});
export type Share = z.infer<typeof ShareSchema>;

/** Kept with a run that was started with others beside it allowed. */
export const SharingSchema = z.object({
  /** The most runs that train at once. */
  most: z.int(),
  /** Why that many; empty: it was asked for. */
  measured: z.array(ShareSchema),
});
export type Sharing = z.infer<typeof SharingSchema>;

/** "2 at once (measured: 1 × 2 threads 8,300 rows/s, 2 × 1 thread 13,900 rows/s)" */
export function sharingWords({ most, measured }: Sharing): string {
  const figures = measured.map(({ runs, threads, rowsPerSecond }) => {
    const rate = Math.round(rowsPerSecond).toLocaleString('en-GB');
    return `${runs} × ${threads} ${threads === 1 ? 'thread' : 'threads'} ${rate} rows/s`;
  });
  const why = figures.length === 0 ? '' : ` (measured: ${figures.join(', ')})`;
  return `up to ${most} ${most === 1 ? 'run' : 'runs'} at once${why}`;
}
