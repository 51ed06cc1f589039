/**
 * The one run of a trainer process: opens data, engine and model, trains, reads gates and writes checkpoints. Not here:
 * the training loop (`engine/trainer`), and the calls of main (`entry.ts`).
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { ExtraPart } from '#engine/gram/types.ts';
import type { Checkpoint } from '#engine/trainer/index.ts';
import type { EngineHost } from '#engine/types.ts';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { readGates } from '#shared/domain/recipe/gates.ts';
import { withExtras, withTrainingWindows } from '#shared/domain/models/gram.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { modelSpec } from '#shared/domain/recipe/recipe.ts';
import type { EpochRecord, TrainingEvent } from '#shared/domain/runs/training.ts';
import { openDataset } from '../datasets/dataset.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';
import { Channel } from '../wire/channel.ts';
import { BaselineMeasurement } from './baselines.ts';
import { openData } from './data.ts';
import { openGradientRun } from './gradient-run.ts';
import type { Log } from './log.ts';
import { openMixtureRun } from './mixture-run.ts';
import type { OpenedRun, RunContext } from './opened-run.ts';
import { OwedCheckpoints } from './owed-checkpoints.ts';
import { loadParts } from './parts.ts';
import { checkpointToResume } from './start.ts';

export class TrainerSession {
  readonly events = new Channel<TrainerEvent>();
  private readonly job: TrainerJob;
  private readonly host: EngineHost;
  private readonly tickets = new Map<number, () => void>();
  private lastTicket = 0;
  private threads: number;
  private opened: OpenedRun | null = null;
  private lastEpoch: EpochRecord | null = null;
  private readonly owed: OwedCheckpoints;
  private readonly baselines: BaselineMeasurement;
  private baselinesMeasured: Promise<void> = Promise.resolve();

  constructor(job: TrainerJob) {
    this.job = job;
    this.threads = job.recipe.threads ?? job.threads;
    this.host = nodeEngineHost(job.resourcesDir);
    this.baselines = new BaselineMeasurement(job, this.log);
    this.owed = new OwedCheckpoints(job, {
      onWritten: (stored) => this.emit({ type: 'checkpoint', ...stored }),
      onDiskFull: (message) => {
        this.log('error', message);
        this.pauseBecause(message, true);
      },
      onDiskFree: () => this.log('info', 'The disk has room again; every checkpoint is written.'),
    });
  }

  /** Runs to the end; an error ends `events` with it. */
  async run(): Promise<void> {
    try {
      await this.train();
      this.events.end();
    } catch (error) {
      this.events.fail(error);
    }
  }

  stored(ticket: number): void {
    this.tickets.get(ticket)?.();
    this.tickets.delete(ticket);
  }

  /** Also before the run is opened. */
  setThreads(threads: number): void {
    this.threads = threads;
    this.opened?.setThreads?.(threads);
  }

  pause(): void {
    this.opened?.trainer.pause();
  }

  /** First writes the checkpoints a full disk refused; while that fails, the run stays paused. */
  async resume(): Promise<void> {
    if (await this.owed.write()) this.opened?.trainer.resume();
    else if (this.opened !== null) {
      const { epoch, step } = this.opened.trainer.exportState();
      this.emit({ type: 'status', status: 'paused', epoch, step });
    }
  }

  stop(at: 'now' | 'epoch-end', reason: string): void {
    if (at === 'now') this.opened?.trainer.stop(reason);
    else this.opened?.trainer.stopAtEpochEnd();
  }

  private async train(): Promise<void> {
    const { recipe, runFolder } = this.job;
    const dataset = openDataset(this.job.datasetFolder);
    const ood = this.job.oodFolder === null ? null : openDataset(this.job.oodFolder);
    const data = await openData(recipe, { dataset, ood }, this.log, (error) => this.events.fail(error));
    const extras = await loadParts(this.job, this.log);
    const spec = specOf(modelSpec(recipe, dataset.T, dataset.D), data.train.ids.length, extras);
    const checkpoint = await checkpointToResume(this.job, spec, this.log);
    await makeRunFolder(runFolder);
    const context: RunContext = {
      job: this.job,
      host: this.host,
      dataset,
      data,
      extras,
      checkpoint,
      baselines: this.baselines.values,
      baselineSums: () => this.baselines.sums,
      hooks: {
        onEvent: (event) => this.onEvent(event),
        onCheckpoint: (saved) => this.onCheckpoint(saved, spec),
        onBest: (sums) => this.emit({ type: 'best cosines', sums }),
      },
      log: this.log,
    };
    const opened = spec.type === 'gram' ? await openMixtureRun(context, spec) : await openGradientRun(context, spec);
    this.opened = opened;
    opened.setThreads?.(this.threads);
    this.emit({ type: 'prepared', engine: { ...opened.engine }, splitProof: data.proof });
    this.baselinesMeasured = this.baselines.run(data, (measured) => this.emit({ type: 'baselines', ...measured }));
    if (checkpoint) this.stopWhenFarEnough(checkpoint.state.epoch - 1);
    await opened.trainer.run();
    await opened.dispose();
  }

  private async onEvent(event: TrainingEvent): Promise<void> {
    this.emit(event);
    // The epoch's record and the gates on its lift need the baselines.
    if (event.type === 'status' && event.status === 'evaluating') await this.baselinesMeasured;
    if (event.type === 'epoch') {
      this.lastEpoch = event;
      this.readGates(event);
      this.stopWhenFarEnough(event.epoch);
    }
  }

  /** `epoch`: the last one that is complete. */
  private stopWhenFarEnough(epoch: number): void {
    const { stopAfterEpoch, recipe } = this.job;
    if (stopAfterEpoch === null || epoch < stopAfterEpoch || epoch >= recipe.epochs) return;
    this.opened?.trainer.stop(`Ends after epoch ${epoch} of ${recipe.epochs}, as its sweep asks.`);
  }

  /** A gate acts on measured values only; one that could not be read is logged. */
  private readGates(record: EpochRecord): void {
    const { gates, epochs } = this.job.recipe;
    for (const reading of readGates(gates, record, epochs)) {
      this.emit(reading);
      if (reading.passed) continue;
      this.log('warning', reading.message);
      if (reading.broken || reading.value === null) continue;
      if (reading.gate.action === 'pause') this.pauseBecause(reading.message, false);
      else if (reading.gate.action === 'stop') this.opened?.trainer.stop(reading.message);
    }
  }

  private pauseBecause(reason: string, isDiskFull: boolean): void {
    this.emit({ type: 'pausing', reason, isDiskFull });
    this.opened?.trainer.pause();
  }

  /** Waits until main has stored all events so far: no checkpoint may be ahead of the history. */
  private async onCheckpoint(checkpoint: Checkpoint, spec: ModelSpec): Promise<void> {
    await this.historyStored();
    const { state } = checkpoint;
    const isEpochEnd = state.position === 0 && this.lastEpoch?.step === state.step;
    const valCosine = isEpochEnd ? (this.lastEpoch?.valCosine ?? null) : null;
    const every = this.job.keepEveryEpochs;
    const isKept = checkpoint.kind === 'last' && isEpochEnd && every > 0 && (state.epoch - 1) % every === 0;
    for (const kind of isKept ? (['kept', checkpoint.kind] as const) : [checkpoint.kind]) {
      this.owed.add(checkpoint, spec, kind, valCosine);
    }
    await this.owed.write();
  }

  private historyStored(): Promise<void> {
    const ticket = ++this.lastTicket;
    const stored = new Promise<void>((resolve) => {
      this.tickets.set(ticket, resolve);
    });
    this.emit({ type: 'store', ticket });
    return stored;
  }

  private emit(event: TrainerEvent): void {
    this.events.push(event);
  }

  private readonly log: Log = (level, message) => {
    this.emit({ type: 'log', line: { at: Date.now(), level, message } });
  };
}

/** Not the folders above it: a storage folder that is gone is not made again. */
async function makeRunFolder(path: string): Promise<void> {
  if (!existsSync(path)) await mkdir(path);
}

/** The spec for these training windows and parts. */
function specOf(spec: ModelSpec, windows: number, extras: readonly ExtraPart[]): ModelSpec {
  if (spec.type !== 'gram') return spec;
  const extraSpecs = extras.map((extra) => extra.spec);
  return withExtras(withTrainingWindows(spec, windows), extraSpecs);
}
