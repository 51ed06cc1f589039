/** Memory of this process after the garbage is gone, and the files it holds open. */
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export interface MemorySample {
  readonly attempts: number;
  readonly rssMb: number;
  readonly heapMb: number;
  /** Array buffers and what else V8 knows to lie outside its heap. */
  readonly externalMb: number;
  readonly arrayBuffersMb: number;
  /** null where the system does not tell. */
  readonly openFiles: number | null;
}

function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

const mb = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** After garbage collection and a turn for what it finalises, twice. */
export async function sampleMemory(attempts: number): Promise<MemorySample> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    attempts,
    rssMb: mb(rss),
    heapMb: mb(heapUsed),
    externalMb: mb(external),
    arrayBuffersMb: mb(arrayBuffers),
    openFiles: openFiles(),
  };
}

/** Below this many samples a quarter says little. */
const LEAST_SAMPLES = 12;
/** What a figure may be above that of earlier: a tenth, and a little for what is small. */
const SLACK = 1.1;
const SLACK_MB = 4;
const SLACK_FILES = 1;

/**
 * What has grown from the second quarter of the samples to the last, in words; empty: memory has reached its level.
 * The highest sample of each quarter is held against the other: resident memory swings with what the allocator keeps of
 * threads that have ended and with what the system takes back meanwhile, but without a leak its swings reach no further.
 * Of open files it is the lowest: a worker that lives at the moment has some.
 */
export function growth(samples: readonly MemorySample[]): string[] {
  if (samples.length < LEAST_SAMPLES) return [];
  const quarter = Math.floor(samples.length / 4);
  const second = samples.slice(quarter, 2 * quarter);
  const last = samples.slice(-quarter);
  const grown = (
    name: string,
    of: (sample: MemorySample) => number,
    pick: (...values: number[]) => number,
    slack: (before: number) => number,
  ): string[] => {
    const before = pick(...second.map(of));
    const after = pick(...last.map(of));
    return after > slack(before) ? [`${name} from ${before} to ${after}`] : [];
  };
  const megabytes = (before: number): number => Math.max(before * SLACK, before + SLACK_MB);
  return [
    ...grown('resident memory (MB)', ({ rssMb }) => rssMb, Math.max, megabytes),
    ...grown('heap (MB)', ({ heapMb }) => heapMb, Math.max, megabytes),
    ...grown('memory outside the heap (MB)', ({ externalMb }) => externalMb, Math.max, megabytes),
    ...grown(
      'open files',
      ({ openFiles }) => openFiles ?? 0,
      Math.min,
      (before) => before + SLACK_FILES,
    ),
  ];
}
