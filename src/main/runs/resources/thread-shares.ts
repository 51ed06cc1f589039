/** The threads of the runs that train here: who has how many is decided in `sharing.ts`, when they are given is decided here. */
import type { LiveRun } from '../live/live-run.ts';
import { shareThreads, type Demand } from './sharing.ts';

/** A run gets more threads after this, since the next run of a sweep starts a moment after one has ended. */
const GROW_AFTER_MS = 2000;

type TrainingRun = Pick<LiveRun, 'demand' | 'threads' | 'setThreads'>;

export class ThreadShares {
  private readonly cores: number;
  private readonly training: () => readonly TrainingRun[];
  private growing: NodeJS.Timeout | null = null;

  /** `training`: the runs that train when it is called. */
  constructor(cores: number, training: () => readonly TrainingRun[]) {
    this.cores = cores;
    this.training = training;
  }

  /** Makes room for runs that enter beside those that train; returns the threads of each that enters. */
  make(training: readonly TrainingRun[], entering: readonly Demand[]): number[] {
    const threads = shareThreads([...training.map(({ demand }) => demand), ...entering], this.cores);
    training.forEach((run, i) => this.give(run, threads[i]));
    return threads.slice(training.length);
  }

  close(): void {
    if (this.growing !== null) clearTimeout(this.growing);
  }

  /** Fewer threads at once, more only when no other run has started for a while. */
  private give(run: TrainingRun, threads: number): void {
    if (threads < run.threads) run.setThreads(threads);
    else if (threads > run.threads) this.growing ??= setTimeout(() => this.grow(), GROW_AFTER_MS).unref();
  }

  private grow(): void {
    this.growing = null;
    const training = this.training();
    const demands = training.map(({ demand }) => demand);
    shareThreads(demands, this.cores).forEach((share, i) => training[i].setThreads(share));
  }
}
