/**
 * Runs at once on one machine: which of them fit beside each other, and the threads of each. Pure; the runs themselves are
 * the queue's (`queue.ts`).
 */
import type { Share } from '#shared/domain/runs/sharing.ts';

export interface Machine {
  readonly cores: number;
  /** What all trainers together may take. */
  readonly memoryBytes: number;
  /** GPUs that a run can train on; one run each. */
  readonly devices: number;
}

/** What one run takes. */
export interface Demand {
  /** As its recipe asks; null: its share of the cores. */
  readonly threads: number | null;
  /** As its preflight estimates. */
  readonly memoryBytes: number;
  /** Trains on a GPU, or may do so: its engine has not been chosen yet. */
  readonly usesDevice: boolean;
}

export interface Load {
  readonly training: readonly Demand[];
  /** Runs that are paused keep their memory. */
  readonly paused: readonly Demand[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Whether `next` may train beside the others, of `most` runs at once. A run on an idle machine always may. `most` runs of
 * one thread each always have enough cores; more threads never exceed the cores.
 */
export function fits(next: Demand, { training, paused }: Load, most: number, machine: Machine): boolean {
  if (training.length === 0) return true;
  if (training.length >= most) return false;
  const together = [...training, next];
  const threads = sum(together.map((demand) => demand.threads ?? 1));
  const memoryBytes = sum([...together, ...paused].map((demand) => demand.memoryBytes));
  const onDevices = together.filter(({ usesDevice }) => usesDevice).length;
  return (
    threads <= Math.max(machine.cores, most) &&
    memoryBytes <= machine.memoryBytes &&
    (!next.usesDevice || onDevices <= machine.devices)
  );
}

/** Threads of each run: what its recipe asks, else an equal share of the cores that are left, at least one. */
export function shareThreads(demands: readonly Pick<Demand, 'threads'>[], cores: number): number[] {
  const taken = sum(demands.map(({ threads }) => threads ?? 0));
  const sharers = demands.filter(({ threads }) => threads === null).length;
  const left = Math.max(0, cores - taken);
  let extra = left % Math.max(1, sharers);
  return demands.map(({ threads }) => threads ?? Math.max(1, Math.floor(left / sharers) + (extra-- > 0 ? 1 : 0)));
}

/** How many runs equal to `demand` the machine carries, of `waiting`. */
export function mostAtOnce({ threads, memoryBytes, usesDevice }: Demand, waiting: number, machine: Machine): number {
  const byCores = Math.floor(machine.cores / (threads ?? 1));
  const byMemory = Math.floor(machine.memoryBytes / memoryBytes);
  return Math.max(1, Math.min(waiting, byCores, byMemory, usesDevice ? machine.devices : Infinity));
}

/** The numbers of runs at once to measure: powers of two up to `most`, and `most`. */
export function candidates(most: number): number[] {
  const powers = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, i) => 2 ** i);
  return [...new Set([...powers, most])];
}

/** More runs at once must be faster by this, since each takes memory and the first of them ends later. */
const WORTHWHILE = 1.05;

/** The fewest runs at once whose rows a second, all together, are close to the best. */
export function bestShare(measured: readonly Share[]): Share {
  const best = Math.max(...measured.map(({ rowsPerSecond }) => rowsPerSecond));
  const close = measured.filter(({ rowsPerSecond }) => rowsPerSecond * WORTHWHILE >= best);
  return close.reduce((fewest, share) => (share.runs < fewest.runs ? share : fewest));
}
