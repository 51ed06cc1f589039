/**
 * The baselines of a run: measured once for data, split and seed, while the first epoch trains; by a data worker unless
 * that takes longer to start.
 */
import { measureBaselines } from '#engine/evaluation/baselines.ts';
import { isSmallFit } from '#engine/evaluation/fast-product.ts';
import { Control } from '#engine/trainer/control.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { WorkerPool } from '../processes/worker-pool.ts';
import type { RunData } from './data.ts';
import type { Log } from './log.ts';

interface Measured {
  readonly baselines: Baselines;
  readonly sums: CosineSums | null;
}

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
  async run(data: RunData, onMeasured: (measured: Measured) => void): Promise<void> {
    const { earlierBaselines, earlierSums, baselinesOf } = this.job;
    if (earlierBaselines !== null) {
      Object.assign(this.values, earlierBaselines);
      this.sums = earlierSums;
      if (baselinesOf === null) return;
      onMeasured({ baselines: earlierBaselines, sums: earlierSums });
      this.log('info', `Baselines as run #${baselinesOf} measured them on the same data, split and seed.`);
      return;
    }
    const startedMs = performance.now();
    try {
      const measured = isSmallFit(data) ? await this.measureHere(data) : await this.measureInWorker();
      Object.assign(this.values, measured.baselines);
      this.sums = measured.sums;
      onMeasured(measured);
      this.log('info', `Baselines measured in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`);
    } catch (error) {
      this.log('warning', `The baselines could not be measured: ${messageOf(error)}`);
    }
  }

  private async measureHere(data: RunData): Promise<Measured> {
    const control = new Control();
    const between = async (): Promise<boolean> => {
      await control.yieldToEventLoop();
      return true;
    };
    return (await measureBaselines(data, this.job.recipe.seed, { between })) ?? { baselines: {}, sums: null };
  }

  private async measureInWorker(): Promise<Measured> {
    const { recipe, datasetFolder, oodFolder, resourcesDir, dataWorker } = this.job;
    const { split, seed } = recipe;
    const worker = await new WorkerPool(dataWorker).lease();
    try {
      const input = { folder: datasetFolder, oodFolder, split, seed, resourcesDir };
      return await worker.client.measureBaselines(input);
    } finally {
      await worker.release();
    }
  }
}
