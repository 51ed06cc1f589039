/** The baselines of a run: measured once for data, split and seed, by a data worker while the first epoch trains. */
import type { TrainerJob } from '#shared/contract/trainer.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import { WorkerPool } from '../processes/worker-pool.ts';
import type { Log } from './log.ts';

export class BaselineMeasurement {
  /** Filled when the measurement ends; every epoch record repeats it. */
  readonly values: Baselines = {};
  /** Their cosines over the articles; null until they are measured. */
  sums: CosineSums | null = null;
  private readonly job: TrainerJob;
  private readonly log: Log;

  constructor(job: TrainerJob, log: Log) {
    this.job = job;
    this.log = log;
  }

  /** Resolves when `values` is final. `onMeasured`: not called for values of the run's own earlier life, nor on failure. */
  async run(onMeasured: (measured: { baselines: Baselines; sums: CosineSums | null }) => void): Promise<void> {
    const { earlierBaselines, earlierSums, baselinesOf, recipe, datasetFolder, oodFolder, resourcesDir } = this.job;
    if (earlierBaselines !== null) {
      Object.assign(this.values, earlierBaselines);
      this.sums = earlierSums;
      if (baselinesOf === null) return;
      onMeasured({ baselines: earlierBaselines, sums: earlierSums });
      this.log('info', `Baselines as run #${baselinesOf} measured them on the same data, split and seed.`);
      return;
    }
    const startedMs = performance.now();
    const worker = await new WorkerPool(this.job.dataWorker).lease();
    try {
      const { split, seed } = recipe;
      const input = { folder: datasetFolder, oodFolder, split, seed, resourcesDir };
      const measured = await worker.client.measureBaselines(input);
      Object.assign(this.values, measured.baselines);
      this.sums = measured.sums;
      onMeasured(measured);
      this.log('info', `Baselines measured in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`);
    } catch (error) {
      this.log('warning', `The baselines could not be measured: ${(error as Error).message}`);
    } finally {
      await worker.release();
    }
  }
}
