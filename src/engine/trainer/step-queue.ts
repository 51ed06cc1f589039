/** Steps handed to the model whose figures are not known yet, in order. */
import type { LossConfig } from '#shared/domain/models/terms.ts';
import type { StepStats } from '../types.ts';

export interface SubmittedStep {
  /** 1-based optimiser step. */
  readonly step: number;
  readonly rows: number;
  /** λ that it was computed with. */
  readonly loss: LossConfig;
}

interface Pending extends SubmittedStep {
  readonly stats: StepStats | Promise<StepStats>;
}

export class StepQueue {
  private readonly pending: Pending[] = [];

  get length(): number {
    return this.pending.length;
  }

  add(step: SubmittedStep, stats: StepStats | Promise<StepStats>): void {
    // A later step may fail while an earlier one is awaited; its error is thrown by `take`.
    if (stats instanceof Promise) stats.catch(() => {});
    this.pending.push({ ...step, stats });
  }

  /** The oldest step with its figures. Throws what the model threw. */
  async take(): Promise<{ readonly submitted: SubmittedStep; readonly stats: StepStats }> {
    const submitted = this.pending.shift();
    if (!submitted) throw new RangeError('No step is pending.');
    return { submitted, stats: await submitted.stats };
  }
}
