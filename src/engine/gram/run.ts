/**
 * A run that fits a Gram mixture: the steps of `GramTrainer` with the events, checkpoints, pause and stop of every run. Its
 * epochs are those of the gates; the stages before them report their progress.
 */
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import type { Baselines, EpochRecord, Finished } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { metricIntervals, RunGroups } from '../evaluation/run-intervals.ts';
import { score } from '../evaluation/score.ts';
import { Control } from '../trainer/control.ts';
import { endingOf, type Ending } from '../trainer/endings.ts';
import { ProbeSet } from '../trainer/probe-set.ts';
import { initialState } from '../trainer/start-state.ts';
import type { Split, TrainerControl, TrainerHooks } from '../trainer/types.ts';
import type { SimdRuntime } from '../simd/runtime/runtime.ts';
import type { GramConfig } from './config.ts';
import type { GramDeviceFactory } from './device.ts';
import { epochRecord, type MixtureMeasurement } from './epoch-record.ts';
import type { GramModel } from './model.ts';
import type { GramState } from './state.ts';
import { GramTrainer } from './trainer.ts';
import type { ExtraPart } from './types.ts';

/** Windows of a set that are measured after each epoch of the gates; the last epoch measures all. */
const MEASURED_WINDOWS = 8192;
const STAGE_EVENT_MS = 200;
/** A device that fails leaves the checkpoint of the last stage as it is. */
const NEXT_AFTER_STAGE = 'When resumed, the run goes on from the end of its last stage.';

export interface MixtureRunOptions {
  readonly config: GramConfig;
  readonly seed: number;
  readonly train: Split;
  /** Article of each training window. */
  readonly articles: Uint32Array;
  readonly validation: Split;
  readonly ood?: Split;
  /** As of `GramData`. */
  readonly extras?: readonly ExtraPart[];
  readonly baselines: Baselines;
  /** As of `TrainerOptions`. */
  readonly baselineSums?: () => CosineSums | null;
  readonly hooks: TrainerHooks;
  readonly openDevice?: GramDeviceFactory;
  /** State and fit of the checkpoint to resume from. */
  readonly resumeFrom?: { readonly state: TrainerState; readonly fit: GramState };
}

/** Thrown inside a step to stop it; the state stays that before the step. */
class Stopped extends Error {}

export class MixtureRun implements TrainerControl {
  private readonly options: MixtureRunOptions;
  private readonly trainer: GramTrainer;
  private readonly control = new Control();
  private readonly probeSet: ProbeSet;
  private readonly state: TrainerState;
  private startedMs = performance.now();
  private stageEventMs = -Infinity;

  private constructor(options: MixtureRunOptions, trainer: GramTrainer) {
    this.options = options;
    this.trainer = trainer;
    this.state =
      structuredClone(options.resumeFrom?.state) ?? initialState({ seed: options.seed, lr: options.config.gate.lr });
    this.probeSet = new ProbeSet(options.validation, options.seed);
  }

  static async create(runtime: SimdRuntime, options: MixtureRunOptions): Promise<MixtureRun> {
    const { train, articles, validation, ood, extras, config, seed, resumeFrom, openDevice } = options;
    for (const [name, split] of Object.entries({ training: train, validation, OOD: ood })) {
      if (split?.ids.length === 0)
        throw new RangeError(`The ${name} set has no windows. Choose another split or data set.`);
    }
    const data = {
      source: train.source,
      train: train.ids,
      articles,
      validation: evenShare(validation.ids),
      ood: ood && { source: ood.source, ids: evenShare(ood.ids) },
      extras,
    };
    const state = resumeFrom?.fit;
    return new MixtureRun(options, await GramTrainer.create(runtime, { data, config, seed, state, openDevice }));
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

  exportState(): TrainerState {
    return structuredClone(this.state);
  }

  async dispose(): Promise<void> {
    await this.trainer.dispose();
  }

  async run(): Promise<Finished> {
    const { hooks } = this.options;
    await this.announce();
    let ending: Ending;
    try {
      ending = await this.steps();
    } catch (error) {
      ending =
        error instanceof Stopped
          ? { status: 'stopped', reason: this.control.stopReason }
          : endingOf(error, NEXT_AFTER_STAGE);
    }
    const { best, epoch, step, durationMs, trainMs, rowsTrained } = this.state;
    const finished: Finished = {
      type: 'finished',
      ...ending,
      best,
      epoch: Math.min(epoch, this.options.config.gate.epochs),
      step,
      durationMs,
      rowsPerSecond: trainMs > 0 ? (1000 * rowsTrained) / trainMs : 0,
    };
    await hooks.onEvent(finished);
    return finished;
  }

  private async steps(): Promise<Ending> {
    while (!this.trainer.isDone) {
      await this.betweenSteps();
      const isGateEpoch = this.trainer.stage === 'gates';
      this.startedMs = performance.now();
      const before = this.state.durationMs;
      await this.trainer.step((fraction) => this.onProgress(fraction));
      this.book();
      if (isGateEpoch) this.state.trainMs += this.state.durationMs - before;
      if (isGateEpoch) await this.closeEpoch();
      else await this.checkpointFit();
      if (this.control.stopsAtEpochEnd && isGateEpoch && !this.trainer.isDone) {
        return { status: 'stopped', reason: this.control.stopReason };
      }
    }
    return { status: 'finished', reason: '' };
  }

  /** Adds the time since `startedMs` to the run's. */
  private book(): void {
    const now = performance.now();
    this.state.durationMs += now - this.startedMs;
    this.startedMs = now;
  }

  private async onProgress(fraction: number): Promise<void> {
    const now = performance.now();
    if (now - this.stageEventMs >= STAGE_EVENT_MS || fraction === 1) {
      this.stageEventMs = now;
      await this.options.hooks.onEvent({ type: 'stage', ...this.trainer.place, fraction });
    }
    await this.control.yieldToEventLoop();
    await this.betweenSteps();
  }

  /** Waits while paused; throws `Stopped`. What the step in progress has done is only in memory until it ends. */
  private async betweenSteps(): Promise<void> {
    const { epoch, step } = this.state;
    const { onEvent } = this.options.hooks;
    if (this.control.isPausing) {
      this.book();
      await onEvent({ type: 'status', status: 'paused', epoch, step });
      await this.control.waitWhilePaused();
      this.startedMs = performance.now();
      const status = this.control.isStopping ? 'stopping' : 'running';
      await onEvent({ type: 'status', status, epoch, step });
    }
    if (this.control.isStopping) throw new Stopped();
  }

  private async closeEpoch(): Promise<void> {
    const { state, trainer } = this;
    const { onEvent } = this.options.hooks;
    await onEvent({ type: 'status', status: 'evaluating', epoch: state.epoch, step: state.step });
    const model = trainer.isDone ? await trainer.model() : null;
    state.step += 1;
    state.rowsTrained += trainer.gateRows;
    const record = await this.record(model);
    this.book();
    if (record.isBest) {
      const { epoch, step, valLoss, valCosine, oodCosine, intervals } = record;
      state.best = { epoch, step, valLoss: valLoss ?? 0, valCosine: valCosine ?? 0, oodCosine, intervals };
    }
    state.epoch += 1;
    await onEvent(record);
    if (model) await this.checkpointModel(model);
    await this.checkpointFit();
  }

  /** Of the last epoch, whose model is complete, everything is measured. */
  private async record(model: GramModel | null): Promise<EpochRecord> {
    const { config, validation, ood, baselines } = this.options;
    return epochRecord({
      state: this.state,
      gates: this.trainer.epochs.at(-1)!,
      measured: model && (await this.measure(model)),
      lr: config.gate.lr,
      D: validation.source.D,
      hasOod: ood !== undefined,
      baselines,
    });
  }

  private async measure(model: GramModel): Promise<MixtureMeasurement> {
    const { validation, ood, baselineSums, hooks, seed } = this.options;
    const between = async () => {
      await this.control.yieldToEventLoop();
      return true;
    };
    const ofValidation = (await score(model, validation, between))!;
    const ofOod = ood ? await score(model, ood, between) : null;
    const cosines = { validation: ofValidation.cosines, ood: ofOod?.cosines ?? null };
    const sums = new RunGroups(this.options).sums(cosines);
    hooks.onBest?.(sums);
    const intervals = metricIntervals(sums, baselineSums?.() ?? null, seed);
    const collapse = await this.probeSet.collapse(model);
    const nonFiniteRows = ofValidation.nonFiniteRows + (ofOod?.nonFiniteRows ?? 0);
    return { valCosine: ofValidation.cosine, oodCosine: ofOod?.cosine, intervals, nonFiniteRows, ...collapse };
  }

  private async checkpointModel(model: GramModel): Promise<void> {
    const golden = await this.probeSet.goldenPair(model);
    const parameters = model.parameters();
    await this.options.hooks.onCheckpoint?.({
      kind: 'best',
      state: this.exportState(),
      parameters,
      optimizer: null,
      golden,
    });
  }

  private async checkpointFit(): Promise<void> {
    await this.options.hooks.onCheckpoint?.({ kind: 'last', state: this.exportState(), fit: this.trainer.state });
  }

  private async announce(): Promise<void> {
    const { config, train, validation, ood, hooks } = this.options;
    await hooks.onEvent({
      type: 'started',
      parameters: parameterCount(this.trainer.spec),
      trainRows: train.ids.length,
      valRows: validation.ids.length,
      oodRows: ood?.ids.length ?? 0,
      epochs: config.gate.epochs,
      stepsPerEpoch: 1,
      epoch: this.state.epoch,
      step: this.state.step,
    });
  }
}

function evenShare(ids: Uint32Array): Uint32Array {
  if (ids.length <= MEASURED_WINDOWS) return ids;
  const step = ids.length / MEASURED_WINDOWS;
  return Uint32Array.from({ length: MEASURED_WINDOWS }, (_, i) => ids[Math.floor(i * step)]);
}
