/**
 * The training loop: shuffles, steps, evaluates, schedules, reports. Knows no engine, file or process; progress goes out
 * through hooks. Everything a run draws or decides follows from its settings and `TrainerState`, so that an exported
 * state with parameters and optimiser moments continues bit for bit.
 */
import type { LossConfig } from '#shared/domain/models/terms.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import type { Finished, StatusChange } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { metricIntervals, RunGroups } from '../evaluation/run-intervals.ts';
import type { Batch } from '../parity.ts';
import { TrainingBatches } from './batches.ts';
import { Control } from './control.ts';
import { nextProgress, stallReason } from './early-stopping.ts';
import { endingOf, lossNotFinite, nextAfterStep, predictionsNotFinite, type Ending } from './endings.ts';
import { EpochEvaluation, type EpochMeasurement } from './epoch-evaluation.ts';
import { epochRecord } from './epoch-record.ts';
import { addStep, emptySums } from './epoch-sums.ts';
import { cosineFactor, nextRate } from './schedule.ts';
import { checkOptions, initialState } from './start-state.ts';
import { StepBuffer } from './step-buffer.ts';
import { StepQueue } from './step-queue.ts';
import type { Checkpoint, TrainerControl, TrainerOptions } from './types.ts';

export class Trainer implements TrainerControl {
  private readonly options: TrainerOptions;
  private readonly control = new Control();
  private readonly steps = new StepBuffer();
  /** Submitted steps that `state` does not know of yet. */
  private readonly queue = new StepQueue();
  private readonly evaluation: EpochEvaluation;
  private readonly groups: RunGroups;
  private readonly state: TrainerState;
  private readonly batches: TrainingBatches;
  private loss: LossConfig;
  private order = new Uint32Array(0);
  private checkpointAtMs = performance.now();
  /** Step of the newest checkpoint; null: there is none. */
  private checkpointStep: number | null;

  constructor(options: TrainerOptions) {
    checkOptions(options);
    this.options = options;
    this.loss = options.settings.loss;
    this.state = structuredClone(options.resumeFrom) ?? initialState(options.settings);
    this.checkpointStep = options.resumeFrom?.step ?? null;
    this.evaluation = new EpochEvaluation(options);
    this.groups = new RunGroups(options);
    this.batches = new TrainingBatches(options);
  }

  pause(): void {
    this.control.pause();
  }

  resume(): void {
    this.control.resume();
  }

  stop(reason = 'stopped, as asked'): void {
    this.control.stop(reason);
  }

  stopAtEpochEnd(): void {
    this.control.stopAtEpochEnd();
  }

  setLoss(loss: LossConfig): void {
    this.loss = loss;
    this.options.model.setLoss(loss);
  }

  exportState(): TrainerState {
    return structuredClone(this.state);
  }

  /** The batch that training begins with, at most `most` rows of it. */
  firstBatch(most: number): Batch {
    return this.batches.next(this.state, most);
  }

  async run(): Promise<Finished> {
    await this.announce();
    let ending: Ending;
    try {
      ending = await this.epochs();
    } catch (error) {
      ending = endingOf(error, nextAfterStep(this.state, this.checkpointStep));
    }
    await this.flush();
    const { best, epoch, step, durationMs, trainMs, rowsTrained } = this.state;
    const lastEpoch = ending.status === 'finished' ? epoch - 1 : Math.min(epoch, this.options.settings.epochs);
    const rowsPerSecond = trainMs > 0 ? (1000 * rowsTrained) / trainMs : 0;
    const finished: Finished = { type: 'finished', ...ending, best, epoch: lastEpoch, step, durationMs, rowsPerSecond };
    await this.options.hooks.onEvent(finished);
    return finished;
  }

  private async epochs(): Promise<Ending> {
    const { settings } = this.options;
    while (this.state.epoch <= settings.epochs) {
      const stall = stallReason(settings.earlyStopping, this.state.stopping);
      if (stall !== null) return { status: 'finished', reason: stall };
      await this.trainEpoch();
      const measured = this.control.isStopping ? null : await this.evaluateEpoch();
      if (measured) await this.closeEpoch(measured);
      else {
        await this.checkpoint(['last']);
        return { status: 'stopped', reason: this.control.stopReason };
      }
      if (this.state.epoch > settings.epochs) break;
      if (this.control.stopsAtEpochEnd) return { status: 'stopped', reason: this.control.stopReason };
    }
    return { status: 'finished', reason: '' };
  }

  /** Trains the rest of the epoch, or until a stop. */
  private async trainEpoch(): Promise<void> {
    this.order = this.batches.orderOf(this.state.epoch);
    this.steps.restartSpeed(performance.now());
    const stepsAhead = this.options.model.stepsAhead ?? 0;
    for (let next = this.state.position; next < this.order.length;) {
      await this.pauseIfAsked();
      if (this.control.isStopping) break;
      next = await this.timed(() => this.submitStep(next, stepsAhead));
      if (this.steps.isDue(performance.now())) await this.flush();
      if (this.isCheckpointDue()) await this.checkpoint(['last']);
      await this.control.yieldToEventLoop();
    }
    await this.finishSteps();
    await this.flush();
  }

  /** Submits the batch that begins at row `next` of the epoch; at most `stepsAhead` steps stay pending. The next row. */
  private async submitStep(next: number, stepsAhead: number): Promise<number> {
    const { model, settings } = this.options;
    const { state, order, loss, queue } = this;
    const end = Math.min(next + settings.batchSize, order.length);
    const ids = order.subarray(next, end);
    const nextIds = end < order.length ? order.subarray(end, end + settings.batchSize) : undefined;
    const step = state.step + queue.length + 1;
    const stats = model.trainStep({ ...this.batches.batch(ids, nextIds, state.epoch), lr: this.rate(step), step });
    queue.add({ step, rows: ids.length, loss }, stats);
    while (queue.length > stepsAhead) await this.takeStep();
    return end;
  }

  /** Learning rate of a step of this epoch. */
  private rate(step: number): number {
    const { epochs, schedule, batchSize, lr } = this.options.settings;
    if (schedule.kind !== 'cosine') return this.state.lr;
    const stepsPerEpoch = Math.ceil(this.options.train.ids.length / batchSize);
    return lr * cosineFactor(schedule, { epochs, stepsPerEpoch }, step);
  }

  /** Books the oldest pending step. */
  private async takeStep(): Promise<void> {
    const { state } = this;
    const { submitted, stats } = await this.queue.take();
    const { step, rows, loss } = submitted;
    state.step = step;
    state.position += rows;
    state.rowsTrained += rows;
    addStep(state.sums, stats, rows);
    this.steps.add(step, this.rate(step), rows, loss, stats);
    if (!Number.isFinite(stats.total) || !Number.isFinite(stats.gradNorm)) throw lossNotFinite(stats, state, this.loss);
  }

  /** Until `state` and the parameters of the model belong together. */
  private async finishSteps(): Promise<void> {
    if (this.queue.length === 0) return;
    await this.timed(async () => {
      while (this.queue.length > 0) await this.takeStep();
    });
  }

  /** Counts the time of `work` as training. */
  private async timed<R>(work: () => Promise<R>): Promise<R> {
    const { state } = this;
    const startedMs = performance.now();
    try {
      return await work();
    } finally {
      const durationMs = performance.now() - startedMs;
      state.sums.trainMs += durationMs;
      state.trainMs += durationMs;
      state.durationMs += durationMs;
    }
  }

  private async evaluateEpoch(): Promise<EpochMeasurement | null> {
    await this.emitStatus('evaluating');
    let startedMs = performance.now();
    const book = () => {
      const durationMs = performance.now() - startedMs;
      this.state.sums.evaluationMs += durationMs;
      this.state.durationMs += durationMs;
    };
    const measured = await this.evaluation.measure(async () => {
      await this.control.yieldToEventLoop();
      if (this.control.isPausing) {
        book();
        await this.pauseIfAsked();
        startedMs = performance.now();
      }
      return !this.control.isStopping;
    });
    book();
    return measured;
  }

  /** Records the epoch, steps the schedule, moves the state on to the next epoch, reports and stores. */
  private async closeEpoch(measured: EpochMeasurement): Promise<void> {
    const { state } = this;
    const { validation, ood } = measured;
    const isBest = Number.isFinite(validation.unitMse) && validation.unitMse < (state.best?.valLoss ?? Infinity);
    const sums = this.groups.sums({ validation: validation.cosines, ood: ood?.cosines ?? null });
    const { baselines, baselineSums, settings } = this.options;
    const intervals = metricIntervals(sums, baselineSums?.() ?? null, settings.seed);
    const lr = this.rate(state.step);
    const record = epochRecord({ state, measured, isBest, intervals, loss: this.loss, lr, baselines });
    if (isBest) {
      this.options.hooks.onBest?.(sums);
      const { epoch, step, oodCosine } = record;
      const { unitMse: valLoss, cosine: valCosine } = validation;
      state.best = { epoch, step, valLoss, valCosine, oodCosine, intervals };
    }
    Object.assign(state, nextRate(settings.schedule, state, validation.unitMse));
    state.stopping = nextProgress(settings.earlyStopping, state.stopping, measured);
    state.epoch += 1;
    state.position = 0;
    state.sums = emptySums();
    await this.options.hooks.onEvent(record);
    if (record.nonFiniteRows > 0) throw predictionsNotFinite(record, measured);
    await this.checkpoint(isBest ? ['best', 'last'] : ['last']);
    await this.pauseIfAsked();
  }

  private async pauseIfAsked(): Promise<void> {
    if (!this.control.isPausing) return;
    await this.finishSteps();
    await this.flush();
    await this.checkpoint(['last']);
    await this.emitStatus('paused');
    await this.control.waitWhilePaused();
    this.steps.restartSpeed(performance.now());
    await this.emitStatus(this.control.isStopping ? 'stopping' : 'running');
  }

  private isCheckpointDue(): boolean {
    const { checkpointEveryMs } = this.options;
    return checkpointEveryMs !== undefined && performance.now() - this.checkpointAtMs >= checkpointEveryMs;
  }

  private async checkpoint(kinds: readonly Checkpoint['kind'][]): Promise<void> {
    const { model, hooks } = this.options;
    this.checkpointAtMs = performance.now();
    if (!hooks.onCheckpoint) return;
    await this.finishSteps();
    // A run resumed from here begins with the next step: every step before it must have been sent.
    await this.flush();
    const parameters = await model.readParameters();
    const optimizer = await model.readOptimizer();
    const golden = await this.evaluation.goldenPair();
    for (const kind of kinds) {
      await hooks.onCheckpoint({ kind, state: this.exportState(), parameters, optimizer, golden });
    }
    this.checkpointStep = this.state.step;
  }

  private async flush(): Promise<void> {
    const { epoch, position } = this.state;
    const block = this.steps.take(performance.now(), epoch, position, this.options.train.ids.length);
    if (block) await this.options.hooks.onEvent(block);
  }

  private async announce(): Promise<void> {
    const { model, train, validation, ood, settings, hooks } = this.options;
    await hooks.onEvent({
      type: 'started',
      parameters: parameterCount(model.spec),
      trainRows: train.ids.length,
      valRows: validation.ids.length,
      oodRows: ood?.ids.length ?? 0,
      epochs: settings.epochs,
      stepsPerEpoch: Math.ceil(train.ids.length / settings.batchSize),
      epoch: this.state.epoch,
      step: this.state.step,
    });
  }

  private async emitStatus(status: StatusChange['status']): Promise<void> {
    const { epoch, step } = this.state;
    await this.options.hooks.onEvent({ type: 'status', status, epoch, step });
  }
}
