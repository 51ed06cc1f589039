/** Same-space comparisons of two stored data sets, each measured once while the program runs. */
import type { Comparison } from '#shared/domain/datasets/passport.ts';
import { requireDataset } from '../store/datasets.ts';
import type { Home } from '../store/home.ts';
import { LruCache, memoize } from '../processes/memoize.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';

const KEPT = 100;

export class SpaceComparisons {
  private readonly home: Home;
  private readonly workers: Pick<WorkerPool, 'once'>;
  private readonly known = new LruCache<Promise<Comparison>>(KEPT);

  constructor({ home, workers }: { readonly home: Home; readonly workers: Pick<WorkerPool, 'once'> }) {
    this.home = home;
    this.workers = workers;
  }

  /** Compares data sets `a` and `b`, by id; the first time in a worker of its own. */
  compare(a: string, b: string): Promise<Comparison> {
    const folders = [a, b].map((id) => this.home.datasetFolder(requireDataset(this.home.db, id).id));
    return memoize(this.known, JSON.stringify([a, b]), () =>
      this.workers.once((client) => client.compareData({ a: folders[0], b: folders[1] })),
    );
  }
}
