/**
 * The one run of a trainer process: opens the data, proves the split, chooses the engine, trains, measures the
 * baselines meanwhile, reads gates and writes checkpoints. Not here: the loop itself (`engine/trainer`), the line to
 * main (`entry.ts`).
 */
import { mkdir } from 'node:fs/promises';
import { startParameters } from '#engine/start.ts';
import { chooseEngine, openEngine, type EngineChoice, type Workload } from '#engine/registry.ts';
import { Trainer, type Checkpoint, type Split, type TrainerOptions } from '#engine/trainer/index.ts';
import type { Engine, EngineHost, NamedTensors } from '#engine/types.ts';
import type { LogLine } from '#shared/contract/runs.ts';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { readGates } from '#shared/domain/recipe/gates.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { lossConfig, modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Baselines, EpochRecord, TrainingEvent } from '#shared/domain/runs/training.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { Channel } from '../wire/channel.ts';
import { findResumable, removeReplaced, type LoadedCheckpoint } from '../runs/checkpoint.ts';
import { proveSplit } from '../runs/split-proof.ts';
import { initialWeights } from '../weights/model-weights.ts';
import { hashFile } from '../weights/weights-file.ts';
import { WorkerPool } from '../worker/pool.ts';
import { nodeEngineHost } from './engine-host.ts';
import { OwedCheckpoints } from './owed-checkpoints.ts';

interface Data {
  readonly train: Split;
  readonly validation: Split;
  readonly ood?: Split;
  readonly proof: Extract<TrainerEvent, { type: 'prepared' }>['splitProof'];
}

export class TrainerSession {
  readonly events = new Channel<TrainerEvent>();
  private readonly job: TrainerJob;
  private readonly host: EngineHost;
  private readonly tickets = new Map<number, () => void>();
  private lastTicket = 0;
  private trainer: Trainer | null = null;
  private lastEpoch: EpochRecord | null = null;
  private readonly owed: OwedCheckpoints;
  /** Filled while the first epoch trains; every epoch record repeats it. */
  private readonly baselines: Baselines = {};
  private baselinesMeasured: Promise<void> = Promise.resolve();

  constructor(job: TrainerJob) {
    this.job = job;
    this.host = nodeEngineHost(job.resourcesDir);
    this.owed = new OwedCheckpoints(job, {
      onWritten: (stored) => this.emit({ type: 'checkpoint', ...stored }),
      onDiskFull: (message) => {
        this.log('error', message);
        this.pauseBecause(message);
      },
      onDiskFree: () => this.log('info', 'The disk has room again; every checkpoint is written.'),
    });
  }

  /** Runs to the end; what goes wrong leaves through `events`. */
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

  /** What a full disk refused is written first; while it cannot be, the run stays paused. */
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
    await mkdir(runFolder, { recursive: true });
    const dataset = openDataset(this.job.datasetFolder);
    const ood = this.job.oodFolder === null ? null : openDataset(this.job.oodFolder);
    const data = await this.openData(dataset, ood);
    const spec = modelSpec(recipe, dataset.T, dataset.D);
    const checkpoint = await this.checkpointToResume(spec);
    const workload = workloadOf(recipe, spec);
    const engine = await this.openEngine(workload);
    const parameters = checkpoint?.parameters ?? (await this.initialParameters(spec, data.train));
    const { loss, optimizer } = workload;
    const maxBatch = recipe.batchSize;
    const model = await engine.createModel({ spec, loss, optimizer, seed: recipe.seed, parameters, maxBatch });
    if (checkpoint?.optimizer) await model.writeOptimizer(checkpoint.optimizer);
    const { train, validation, ood: oodSplit } = data;
    this.emit({ type: 'prepared', engine: { ...engine.info }, splitProof: data.proof });
    this.baselinesMeasured = this.measureBaselines();
    const { epochs, batchSize, lr, schedule, seed } = recipe;
    this.trainer = makeTrainer({
      model,
      train,
      validation,
      ood: oodSplit,
      settings: { epochs, batchSize, lr, schedule, loss, seed },
      baselines: this.baselines,
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

  private async openData(dataset: Dataset, ood: Dataset | null): Promise<Data> {
    const { recipe } = this.job;
    const { split, proof } = await proveSplit(dataset, ood, recipe.split, recipe.seed);
    for (const warning of proof.warnings) this.log('warning', warning);
    const source = await dataset.source();
    const oodSource = await ood?.source();
    return {
      train: { source, ids: split.train },
      validation: { source, ids: split.val },
      ood: oodSource && { source: oodSource, ids: Uint32Array.from({ length: oodSource.windows }, (_, i) => i) },
      proof,
    };
  }

  /** Measured once in a run's life, in a thread of its own while the first epoch trains. */
  private async measureBaselines(): Promise<void> {
    const { resume, earlierBaselines, recipe, datasetFolder, oodFolder, resourcesDir } = this.job;
    if (resume && earlierBaselines !== null) {
      Object.assign(this.baselines, earlierBaselines);
      return;
    }
    const startedMs = performance.now();
    const worker = new WorkerPool(this.job.dataWorker).startSingle();
    try {
      const { split, seed } = recipe;
      const input = { folder: datasetFolder, oodFolder, split, seed, resourcesDir };
      Object.assign(this.baselines, await worker.client.measureBaselines(input));
      this.emit({ type: 'baselines', baselines: { ...this.baselines } });
      this.log('info', `Baselines measured in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`);
    } catch (error) {
      this.log('warning', `The baselines could not be measured: ${(error as Error).message}`);
    } finally {
      await worker.release();
    }
  }

  private async initialParameters(spec: ModelSpec, train: Split): Promise<NamedTensors> {
    const { recipe, initFile } = this.job;
    if (initFile === null) return startParameters(recipe.start, spec, recipe.seed, train);
    const parameters = await initialWeights(initFile, spec);
    this.log(
      'info',
      `Starts from the weights of ${recipe.initFrom} (sha256 ${(await hashFile(initFile)).slice(0, 12)}).`,
    );
    return parameters;
  }

  private async checkpointToResume(spec: ModelSpec): Promise<LoadedCheckpoint | null> {
    if (!this.job.resume) return null;
    const found = await findResumable(this.job.runFolder);
    if (found === null) {
      this.log('warning', 'There is no checkpoint yet; the run begins again.');
      return null;
    }
    for (const sentence of found.skipped) this.log('warning', `${sentence} An older one is taken.`);
    const { checkpoint } = found;
    if (JSON.stringify(checkpoint.spec) !== JSON.stringify(spec)) {
      throw new NextvecError('BAD_CHECKPOINT', `${checkpoint.folder} is of another model than the recipe's.`, {
        remedy: 'Start a new run; this folder was changed by hand.',
        details: { place: checkpoint.folder },
      });
    }
    await removeReplaced(this.job.runFolder, checkpoint);
    this.log('info', `Goes on from step ${checkpoint.state.step} (epoch ${checkpoint.state.epoch}).`);
    return checkpoint;
  }

  private async openEngine(workload: Workload): Promise<Engine> {
    const { recipe, resume, earlierEngine } = this.job;
    const threads = recipe.threads ?? undefined;
    try {
      const { engine, note } = await this.chooseEngine(workload, threads);
      const { name, version, variant } = engine.info;
      this.log('info', `Engine: ${note}; version ${version}, ${variant}, ${engine.info.threads} threads.`);
      if (resume && earlierEngine !== null && name !== earlierEngine) {
        this.log('warning', `The run began on ${earlierEngine}; on ${name} it does not go on bit for bit.`);
      }
      return engine;
    } catch (error) {
      if (isNextvecError(error)) throw error;
      throw new NextvecError('ENGINE_UNAVAILABLE', error instanceof Error ? error.message : String(error), {
        remedy: 'Choose another engine in the recipe; Settings and "nextvec doctor" list those that run here.',
        details: { place: 'engine' },
        cause: error,
      });
    }
  }

  private async chooseEngine(workload: Workload, threads: number | undefined): Promise<EngineChoice> {
    const { recipe, resume, earlierEngine } = this.job;
    if (resume && earlierEngine !== null && recipe.engine === 'auto') {
      try {
        const engine = await openEngine(earlierEngine, this.host, { threads });
        return { engine, measured: [], note: `${earlierEngine}, as before` };
      } catch (error) {
        this.log('warning', `${earlierEngine} cannot run here now: ${(error as Error).message}`);
      }
    }
    return chooseEngine(recipe.engine, this.host, workload, { threads, device: recipe.device });
  }

  private async onEvent(event: TrainingEvent): Promise<void> {
    this.emit(event);
    // The epoch's record, and a gate on its lift, are made after this.
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

  /** A gate acts on what was measured; one that could not be read only says so. */
  private readGates(record: EpochRecord): void {
    const { gates, epochs } = this.job.recipe;
    for (const reading of readGates(gates, record, epochs)) {
      this.emit(reading);
      if (reading.passed) continue;
      this.log('warning', reading.message);
      if (reading.broken || reading.value === null) continue;
      if (reading.gate.action === 'pause') this.pauseBecause(reading.message);
      else if (reading.gate.action === 'stop') this.trainer?.stop(reading.message);
    }
  }

  private pauseBecause(reason: string): void {
    this.emit({ type: 'pausing', reason });
    this.trainer?.pause();
  }

  /** Main stores what it was told first: no checkpoint ever knows a step the history does not. */
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

  private log(level: LogLine['level'], message: string): void {
    this.emit({ type: 'log', line: { at: Date.now(), level, message } });
  }
}

function workloadOf(recipe: Recipe, spec: ModelSpec): Workload {
  return {
    spec,
    loss: lossConfig(recipe, spec.D),
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: recipe.weightDecay, clip: recipe.clip },
    batchSize: recipe.batchSize,
  };
}

/** What the loop refuses is the recipe's fault, not a bug. */
function makeTrainer(options: TrainerOptions): Trainer {
  try {
    return new Trainer(options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NextvecError('BAD_RECIPE', error.message, { remedy: 'Change the recipe and start again.', cause: error });
  }
}
