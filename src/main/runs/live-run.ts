/**
 * One life of a trainer process, seen from main: starts it, records and announces what it says, steers it, and decides
 * what the run's status is when it ends, however it ends. Not here: which run may train now (`service.ts`).
 */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import type { LogLine, RunEvent, RunStatus } from '#shared/contract/runs.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { TrainerEvent, TrainerJob, trainerContract } from '#shared/contract/trainer.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import type { EpochRecord, Finished, StepBlock } from '#shared/domain/runs/training.ts';
import { fromWireError } from '../wire/errors.ts';
import { syncWal, type Db } from '../store/database.ts';
import type { RunChanges } from '../store/runs.ts';
import type { SpawnTrainer, TrainerExit, TrainerProcess } from '../trainer/process.ts';
import { Heartbeat } from './heartbeat.ts';
import { Recorder } from './recorder.ts';

type TrainerClient = ContractRouterClient<typeof trainerContract>;

/** After `finished` a trainer leaves by itself; after a broken line its exit is awaited this long. */
const EXIT_GRACE_MS = 3000;
const CLOSE_GRACE_MS = 30_000;
const HEARTBEAT_MS = 10_000;

export interface LiveRunOptions {
  readonly db: Db;
  readonly job: TrainerJob;
  readonly spawnTrainer: SpawnTrainer;
  /** Milliseconds trained in earlier lives. */
  readonly durationBeforeMs: number;
  /** Milliseconds between questions whether the trainer still answers. */
  readonly heartbeatMs?: number;
  readonly announce: (event: RunEvent) => void;
  /** Status, epoch, best or progress changed. */
  readonly onChange: () => void;
  /** The trainer is gone and everything is written. */
  readonly onEnd: () => void;
}

export type LiveStatus = Extract<RunStatus, 'starting' | 'running' | 'paused'>;

export class LiveRun {
  status: LiveStatus = 'starting';
  private readonly options: LiveRunOptions;
  private readonly recorder: Recorder;
  private readonly process: TrainerProcess;
  private readonly client: TrainerClient;
  private readonly exited: Promise<TrainerExit>;
  private readonly heartbeat: Heartbeat;
  private readonly pauseWaiters = new Set<() => void>();
  private engine: unknown = null;
  private firstStep = 0;
  private step = 0;
  private totalSteps = 0;
  private activeMs = 0;
  private activeSince: number | null = null;
  private trainingSince: number | null = null;
  private pauseReason = '';
  private fullDiskReason: string | null = null;
  private closingReason: string | null = null;
  private hasEnded = false;

  constructor(options: LiveRunOptions) {
    this.options = options;
    this.recorder = new Recorder(options.db, options.job.runId, {
      onDiskFull: (error) => this.onDiskFull(`${error.message} ${error.remedy ?? ''}`),
      onDiskFree: () => {
        this.fullDiskReason = null;
        this.log('info', 'The history can be written again; nothing was lost.');
        this.options.onChange();
      },
    });
    this.process = options.spawnTrainer();
    this.exited = new Promise((resolve) => {
      this.process.onExit(resolve);
    });
    const link = new RPCLink({ port: this.process.port, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
    this.client = createORPCClient(link);
    this.heartbeat = new Heartbeat({
      everyMs: options.heartbeatMs ?? HEARTBEAT_MS,
      ask: () => this.client.alive(),
      onSilence: () => this.onSilence(),
    });
    this.setStatus('starting', '');
    void this.follow();
  }

  /** The run is over and recorded; the process may still be leaving. */
  get isOver(): boolean {
    return this.hasEnded;
  }

  /** Once the process has left. */
  async gone(): Promise<void> {
    await this.exited;
  }

  /** Why nothing can be written, so that it pauses: its row cannot say so. */
  get diskFull(): string | null {
    return this.fullDiskReason;
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Time left at this life's own pace, evaluation included; null until there is one. */
  get etaMs(): number | null {
    const steps = this.step - this.firstStep;
    if (this.trainingSince === null || this.status !== 'running' || steps < 1) return null;
    const spentMs = this.activeMs + (this.activeSince === null ? 0 : performance.now() - this.activeSince);
    return (spentMs / steps) * Math.max(0, this.totalSteps - this.step);
  }

  unflushed(): StepBlock[] {
    return this.recorder.unflushed();
  }

  /** A change of the run's row by someone else (name, notes) must not wait behind a flush of this one. */
  flush(): void {
    this.recorder.flush();
  }

  async pause(reason: string): Promise<void> {
    this.pauseReason = reason;
    await this.call(() => this.client.pause());
  }

  /** Resolves once the trainer says it has paused and its checkpoint is written. */
  private paused(): Promise<void> {
    if (this.status === 'paused') return Promise.resolve();
    return new Promise((resolve) => {
      this.pauseWaiters.add(resolve);
    });
  }

  async resume(): Promise<void> {
    this.pauseReason = '';
    await this.call(() => this.client.resume());
  }

  async stop(at: 'now' | 'epoch-end', reason: string): Promise<void> {
    if (this.status === 'starting') {
      this.finish('stopped', reason);
      return;
    }
    await this.call(() => this.client.stop({ at, reason }));
  }

  /** Saves a checkpoint if there is anything to save, ends the process, marks the run interrupted. */
  async shutDown(reason: string): Promise<void> {
    this.closingReason = reason;
    if (this.status === 'running' && !this.hasEnded) {
      // One that is stuck answers nothing.
      const paused = this.pause(reason).then(() => this.paused());
      await Promise.race([paused, this.exited, delay(CLOSE_GRACE_MS)]);
    }
    this.finish('interrupted', reason);
    this.process.kill();
    await this.exited;
  }

  /** A steering call to a trainer that is going away anyway is not an error of the person who asked. */
  private async call(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch (error) {
      if (!this.hasEnded) throw fromWireError(error);
    }
  }

  private async follow(): Promise<void> {
    try {
      const events = await this.client.start(this.options.job);
      for await (const event of events) {
        if (this.hasEnded) return;
        this.handle(event);
      }
      if (!this.hasEnded) await this.die();
    } catch (error) {
      if (!this.hasEnded) await this.fail(fromWireError(error));
    }
  }

  private handle(event: TrainerEvent): void {
    switch (event.type) {
      case 'prepared':
        this.engine = event.engine;
        this.recorder.update({
          engine_json: JSON.stringify(event.engine),
          split_proof_json: JSON.stringify(event.splitProof),
        });
        break;
      case 'baselines':
        this.recorder.update({ baselines_json: JSON.stringify(event.baselines) });
        this.recorder.flush();
        this.options.onChange();
        break;
      case 'started':
        this.onStarted(event);
        break;
      case 'steps':
        this.onSteps(event);
        break;
      case 'epoch':
        this.onEpoch(event);
        break;
      case 'gate':
        this.recorder.addGate(event);
        this.options.announce(event);
        break;
      case 'checkpoint':
        this.recorder.addCheckpoint(event);
        break;
      case 'store':
        void this.store(event.ticket);
        break;
      case 'pausing':
        this.pauseReason = event.reason;
        break;
      case 'log':
        this.addLog(event.line);
        break;
      case 'status':
        this.onStatus(event.status);
        break;
      case 'finished':
        this.onFinished(event);
        break;
    }
  }

  private onStarted(event: Extract<TrainerEvent, { type: 'started' }>): void {
    this.firstStep = event.step;
    this.step = event.step;
    this.totalSteps = event.epochs * event.stepsPerEpoch;
    this.recorder.begin(event.step + 1, this.engine);
    this.recorder.update({
      parameters: event.parameters,
      train_rows: event.trainRows,
      val_rows: event.valRows,
      ood_rows: this.options.job.oodFolder === null ? null : event.oodRows,
      total_steps: this.totalSteps,
      epoch: event.epoch,
      step: event.step,
    });
    this.trainingSince = performance.now();
    this.setStatus('running', '');
  }

  private onSteps(block: StepBlock): void {
    this.step = block.firstStep + block.count - 1;
    this.recorder.addSteps(block);
    this.recorder.update({
      epoch: block.epoch,
      step: this.step,
      rows_per_second: block.rowsPerSecond,
      duration_ms: this.durationMs(),
    });
    this.options.announce(block);
    this.options.onChange();
  }

  private onEpoch(record: EpochRecord): void {
    this.recorder.addEpoch(record);
    const changes: RunChanges = { duration_ms: this.durationMs(), rows_per_second: record.rowsPerSecond };
    const { epoch, step, valLoss, valCosine, oodCosine } = record;
    if (record.isBest)
      Object.assign(changes, { best_json: JSON.stringify({ epoch, step, valLoss, valCosine, oodCosine }) });
    this.recorder.update(changes);
    this.recorder.flush();
    this.options.announce(record);
    this.options.onChange();
  }

  private onStatus(status: Extract<TrainerEvent, { type: 'status' }>['status']): void {
    if (status === 'paused') {
      this.setStatus('paused', this.pauseReason);
      this.log('info', this.pauseReason === '' ? 'Paused.' : `Paused: ${this.pauseReason}`);
      for (const resolve of this.pauseWaiters) resolve();
      this.pauseWaiters.clear();
    } else if (status === 'running' && this.status === 'paused') {
      this.setStatus('running', '');
      this.log('info', 'Goes on.');
    }
  }

  private onFinished(event: Finished): void {
    const { best, durationMs, rowsPerSecond, epoch, step } = event;
    this.recorder.update({
      epoch,
      step,
      best_json: best === null ? null : JSON.stringify(best),
      duration_ms: durationMs,
      rows_per_second: rowsPerSecond,
    });
    if (this.closingReason !== null && event.status === 'stopped') this.finish('interrupted', this.closingReason);
    else this.finish(event.status, event.reason, durationMs);
  }

  /** The history first, then the trainer may write its checkpoint. */
  private async store(ticket: number): Promise<void> {
    if (!this.recorder.flush()) {
      await delay(EXIT_GRACE_MS);
      if (!this.hasEnded) await this.store(ticket);
      return;
    }
    await syncWal(this.options.db);
    // A trainer that died over its checkpoint is told by its exit.
    await this.client.stored({ ticket }).catch(() => undefined);
  }

  private onDiskFull(message: string): void {
    this.fullDiskReason = message;
    this.options.announce({ type: 'log', line: { at: Date.now(), level: 'error', message } });
    this.options.onChange();
    void this.pause(message).catch(() => undefined);
  }

  /** An error the trainer told: a bad checkpoint, a missing engine. Without one, the process itself is gone. */
  private async fail(error: unknown): Promise<void> {
    if (!isNextvecError(error)) {
      await this.die();
      return;
    }
    this.log('error', error.message);
    this.finish('failed', [error.message, error.remedy].filter(Boolean).join(' '));
  }

  private async die(): Promise<void> {
    const exit = await Promise.race([this.exited, delay(EXIT_GRACE_MS)]);
    if (this.hasEnded) return;
    const reason = this.closingReason ?? describeExit(exit ?? null);
    this.log('error', reason);
    if (exit?.lastWords) this.log('error', exit.lastWords);
    this.finish('interrupted', reason);
  }

  /** It lives, but nothing that is said to it arrives any more: what it has not written is lost already. */
  private onSilence(): void {
    if (this.hasEnded) return;
    const seconds = Math.round(this.heartbeat.limitMs / 1000);
    const reason =
      this.closingReason ??
      `The trainer has not answered for ${seconds} s, perhaps because one of its threads was ended; it was stopped.`;
    this.log('error', reason);
    this.finish('interrupted', reason);
  }

  private finish(status: RunStatus, reason: string, durationMs = this.durationMs()): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.heartbeat.listen(false);
    this.recorder.update({ status, reason, duration_ms: durationMs, ended_at_ms: Date.now() });
    this.recorder.end();
    this.options.onChange();
    setTimeout(() => this.process.kill(), status === 'finished' ? EXIT_GRACE_MS : 0).unref();
    void this.exited.then(() => this.options.onEnd());
  }

  private setStatus(status: LiveStatus, reason: string): void {
    const now = performance.now();
    if (this.activeSince !== null) this.activeMs += now - this.activeSince;
    this.activeSince = status === 'running' ? now : null;
    this.status = status;
    this.heartbeat.listen(status === 'running');
    this.recorder.update({ status, reason, ended_at_ms: null, duration_ms: this.durationMs() });
    this.recorder.flush();
    this.options.onChange();
  }

  private durationMs(): number {
    const now = this.activeSince === null ? 0 : performance.now() - this.activeSince;
    return this.options.durationBeforeMs + this.activeMs + now;
  }

  /** A line of its log that the trainer knows nothing of. */
  log(level: LogLine['level'], message: string): void {
    this.addLog({ at: Date.now(), level, message });
  }

  private addLog(line: LogLine): void {
    this.recorder.addLog(line);
    this.options.announce({ type: 'log', line });
  }
}

function describeExit(exit: TrainerExit | null): string {
  if (exit === null) return 'The trainer stopped answering.';
  if (exit.signal === 'SIGKILL') return 'The trainer process was killed, perhaps because memory ran out.';
  if (exit.signal !== null) return `The trainer process was ended by ${exit.signal}.`;
  return `The trainer process ended with code ${exit.code}.`;
}

function delay(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
