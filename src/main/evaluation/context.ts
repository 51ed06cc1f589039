/** What evaluations need from the rest of main. */
import type { RunDetail, RunSummary } from '#shared/contract/runs.ts';
import type { Home } from '../store/home.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';

/** The runs of the history, live ones up to their last step. */
export interface RunHistory {
  /** By id or number; throws NOT_FOUND. */
  get(handle: string): RunDetail;
  /** Newest first. */
  list(): RunSummary[];
}

export interface EvaluationContext {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'lease'>;
  readonly resourcesDir: string;
  readonly runs: RunHistory;
}
