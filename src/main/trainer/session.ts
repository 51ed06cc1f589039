/**
 * The one run of a trainer process: opens data, engine and model, trains, reads gates and writes checkpoints. Not here:
 * the training loop (`engine/trainer`), and the calls of main (`entry.ts`).
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Trainer, type Checkpoint, type TrainerOptions } from '#engine/trainer/index.ts';
import type { EngineHost } from '#engine/types.ts';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { readGates } from '#shared/domain/recipe/gates.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { modelSpec } from '#shared/domain/recipe/recipe.ts';
import type { EpochRecord, TrainingEvent } from '#shared/domain/runs/training.ts';
import { openDataset } from '../datasets/dataset.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';
import { Channel } from '../wire/channel.ts';
import { BaselineMeasurement } from './baselines.ts';
import { openData } from './data.ts';
import { openRunEngine, workloadOf } from './engine.ts';
import type { Log } from './log.ts';
import { OwedCheckpoints } from './owed-checkpoints.ts';
import { checkpointToResume, initialParameters } from './start.ts';

export class TrainerSession {
  readonly events = new Channel<TrainerEvent>();
  private readonly job: TrainerJob;
  private readonly host: EngineHost;
  private readonly tickets = new Map<number, () => void>();
  private lastTicket = 0;
  private trainer: Trainer | null = null;
  private lastEpoch: EpochRecord | null = null;
  private readonly owed: OwedCheckpoints;
  private readonly baselines: BaselineMeasurement;
  private baselinesMeasured: Promise<void> = Promise.resolve();

  constructor(job: TrainerJob) {
    this.job = job;
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

  pause(): void {
    this.trainer?.pause();
  }

  /** First writes the checkpoints a full disk refused; while that fails, the run stays paused. */
  async resume(): Promise<void> {
    if (await this.owed.write()) this.trainer?.resume();
    else if (this.trainer !== null) {
      const { epoch, step } = this.trainer.exportState();
      this.emit({ type: 'status', status: 'paused', epoch, step });
    }
  }

  stop(at: 'now' | 'epoch-end', reason: string): void {
    if (at === 'now') this.trainer?.stop(reason);
    else this.trainer?.stopAtEpochEnd();
  }

  private async train(): Promise<void> {
    const { recipe, runFolder } = this.job;
    const dataset = openDataset(this.job.datasetFolder);
    const ood = this.job.oodFolder === null ? null : openDataset(this.job.oodFolder);
    const data = await openData(recipe, { dataset, ood }, this.log, (error) => this.events.fail(error));
    const spec = modelSpec(recipe, dataset.T, dataset.D);
    const checkpoint = await checkpointToResume(this.job, spec, this.log);
    await makeRunFolder(runFolder);
    const workload = workloadOf(recipe, spec);
    const engine = await openRunEngine(this.job, this.host, workload, this.log);
    const parameters = checkpoint?.parameters ?? (await initialParameters(this.job, spec, data.train, this.log));
    const { loss, optimizer } = workload;
    const maxBatch = recipe.batchSize;
    const model = await engine.createModel({ spec, loss, optimizer, seed: recipe.seed, parameters, maxBatch });
    if (checkpoint?.optimizer) await model.writeOptimizer(checkpoint.optimizer);
    const { train, validation, ood: oodSplit } = data;
    this.emit({ type: 'prepared', engine: { ...engine.info }, splitProof: data.proof });
    this.baselinesMeasured = this.baselines.run((baselines) => this.emit({ type: 'baselines', baselines }));
    const { epochs, batchSize, lr, schedule, seed } = recipe;
    const { isometry } = recipe.augment;
    this.trainer = makeTrainer({
      model,
      train,
      validation,
      ood: oodSplit,
      settings: { epochs, batchSize, lr, schedule, loss, seed },
      augmentation: isometry > 0 ? { isometry, articleOf: dataset.windowArticles } : undefined,
      baselines: this.baselines.values,
      hooks: {
        onEvent: (event) => this.onEvent(event),
        onCheckpoint: (saved) => this.onCheckpoint(saved, spec),
      },
      checkpointEveryMs: this.job.checkpointEveryMs,
      resumeFrom: checkpoint?.state,
    });
    if (checkpoint) this.stopWhenFarEnough(checkpoint.state.epoch - 1);
    await this.trainer.run();
    model.dispose();
    await engine.dispose();
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
    this.trainer?.stop(`Ends after epoch ${epoch} of ${recipe.epochs}, as its sweep asks.`);
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
      else if (reading.gate.action === 'stop') this.trainer?.stop(reading.message);
    }
  }

  private pauseBecause(reason: string, isDiskFull: boolean): void {
    this.emit({ type: 'pausing', reason, isDiskFull });
    this.trainer?.pause();
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

/** Settings the loop refuses are an error of the recipe, not a bug. */
function makeTrainer(options: TrainerOptions): Trainer {
  try {
    return new Trainer(options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NextvecError('BAD_RECIPE', error.message, { remedy: 'Change the recipe and start again.', cause: error });
  }
}
