/**
 * One life of a run in a trainer process, seen from main: records and announces the trainer's events, steers it, and
 * decides the run's status when it ends, however it ends. Not here: which run may train now (`queue.ts`).
 */
import { dirname } from 'node:path';
import type { LogLine, RunEvent, RunStatus } from '#shared/contract/runs.ts';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import { plural } from '#shared/domain/figures.ts';
import { fileFault } from '#shared/domain/file-faults.ts';
import { sharingWords, type Sharing } from '#shared/domain/runs/sharing.ts';
import type { EpochRecord, Finished, Stage, StepBlock } from '#shared/domain/runs/training.ts';
import { fromWireError } from '../wire/errors.ts';
import { syncWal, type Db } from '../store/database.ts';
import {
  epochChanges,
  finishedChanges,
  preparedChanges,
  startedChanges,
  stepChanges,
  totalSteps,
  type EventOf,
} from './event-changes.ts';
import { usesDevice } from './demand.ts';
import { Heartbeat } from './heartbeat.ts';
import { Recorder } from './recorder.ts';
import { RunClock } from './run-clock.ts';
import type { Demand } from './sharing.ts';
import { delay, describeExit, type TrainerLink } from './trainer-connection.ts';

/** After a lost connection the trainer's exit is awaited this long, for its status and the end of its stderr. */
const EXIT_GRACE_MS = 3000;
/** Between attempts to write a history that a full disk has refused. */
const FULL_DISK_RETRY_MS = 3000;
const CLOSE_GRACE_MS = 30_000;
const HEARTBEAT_MS = 10_000;

export interface LiveRunOptions {
  readonly db: Db;
  readonly job: TrainerJob;
  /** Starts its trainer, or finds it again. */
  readonly connect: () => TrainerLink;
  /** Milliseconds trained in earlier lives. */
  readonly durationBeforeMs: number;
  readonly demand: Demand;
  /** Address of the cluster it trains on; null: here. */
  readonly on: string | null;
  /** How runs share the machine; null: one at a time. */
  readonly sharing: Sharing | null;
  /** Milliseconds between liveness checks of the trainer. */
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
  /** Threads it has, or will have once its trainer has started. */
  threads: number;
  private readonly options: LiveRunOptions;
  private readonly recorder: Recorder;
  private readonly trainer: TrainerLink;
  private readonly clock: RunClock;
  private readonly heartbeat: Heartbeat;
  /** What it takes of the machine. */
  demand: Demand;
  /** It was asked to stop now. */
  isStopping = false;
  private isResuming = false;
  private readonly pauseWaiters = new Set<() => void>();
  /** Where the fit of a Gram mixture is; null: of no other model. */
  stage: Stage | null = null;
  private engine: unknown = null;
  private pauseReason = '';
  private lacksSpaceForCheckpoint = false;
  private isSyncRefused = false;
  private fullDiskReason: string | null = null;
  private closingReason: string | null = null;
  private hasEnded = false;

  constructor(options: LiveRunOptions) {
    this.options = options;
    this.demand = options.demand;
    this.threads = options.job.recipe.threads ?? options.job.threads;
    this.recorder = new Recorder(options.db, options.job.runId, {
      onDiskFull: (error) => this.onDiskFull(`${error.message} ${error.remedy ?? ''}`),
      onDiskFree: () => this.onDiskFree(),
      onGone: (path) => this.onGone(path),
    });
    this.clock = new RunClock(options.durationBeforeMs);
    this.trainer = options.connect();
    this.heartbeat = new Heartbeat({
      everyMs: options.heartbeatMs ?? HEARTBEAT_MS,
      ask: () => this.trainer.client.alive(),
      onSilence: () => this.onSilence(),
    });
    this.setStatus('starting', '');
    void this.follow();
  }

  /** The run is over and recorded; the process may still be leaving. */
  get isOver(): boolean {
    return this.hasEnded;
  }

  /** Whether it takes a place among the runs that train: also while its process starts, resumes or leaves. */
  get isTraining(): boolean {
    return this.hasEnded || this.isResuming || this.status !== 'paused';
  }

  /** Address of the cluster it trains on, which goes on when this program ends; null: here. */
  get on(): string | null {
    return this.options.on;
  }

  get runId(): string {
    return this.options.job.runId;
  }

  /** Once the process has left. */
  async gone(): Promise<void> {
    await this.trainer.exited;
  }

  /** Why nothing can be written. The run then pauses, and its row cannot be updated. */
  get diskFull(): string | null {
    return this.fullDiskReason;
  }

  /** Whether it pauses until there is space for its history or its checkpoints. */
  get waitsForSpace(): boolean {
    return this.fullDiskReason !== null || (this.status === 'paused' && this.lacksSpaceForCheckpoint);
  }

  /** Milliseconds left at this life's own pace; null until it has one. */
  get etaMs(): number | null {
    return this.status === 'running' ? this.clock.etaMs : null;
  }

  /** Blocks that are not in the store yet. */
  unflushed(): StepBlock[] {
    return this.recorder.unflushed();
  }

  /** Writes everything recorded so far to the store. */
  flush(): void {
    this.recorder.flush();
  }

  async pause(reason: string): Promise<void> {
    this.pauseReason = reason;
    await this.call(() => this.trainer.client.pause());
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
    this.lacksSpaceForCheckpoint = false;
    this.isResuming = true;
    await this.call(() => this.trainer.client.resume());
  }

  /** Threads from the next step on; a recipe that names a number keeps it. */
  setThreads(threads: number): void {
    if (this.hasEnded || this.threads === threads || this.options.job.recipe.threads !== null) return;
    this.threads = threads;
    this.log('info', `Trains with ${plural(threads, 'thread')} from here on.`);
    // A trainer that dies here is handled when its exit is seen.
    this.trainer.client.setThreads({ threads }).catch(() => undefined);
  }

  async stop(at: 'now' | 'epoch-end', reason: string): Promise<void> {
    if (this.status === 'starting') {
      this.finish('stopped', reason);
      return;
    }
    this.isStopping ||= at === 'now';
    await this.call(() => this.trainer.client.stop({ at, reason }));
  }

  /**
   * Saves a checkpoint if there is anything to save, ends the process, marks the run interrupted. A run elsewhere goes on as
   * it is.
   */
  async shutDown(reason: string): Promise<void> {
    if (this.trainer.detach !== undefined && !this.hasEnded) {
      this.hasEnded = true;
      this.heartbeat.listen(false);
      this.recorder.end();
      this.trainer.detach();
      return;
    }
    this.closingReason = reason;
    // Without space for the history no checkpoint is written: there is nothing to wait for.
    if (this.status === 'running' && !this.hasEnded && this.fullDiskReason === null) {
      // A stuck trainer never answers.
      const paused = this.pause(reason).then(() => this.paused());
      await Promise.race([paused, this.trainer.exited, delay(CLOSE_GRACE_MS)]);
    }
    this.finish('interrupted', reason);
    this.trainer.kill();
    await this.trainer.exited;
  }

  /** Errors of a steering call are ignored once the run has ended. */
  private async call(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch (error) {
      if (!this.hasEnded) throw fromWireError(error);
    }
  }

  private async follow(): Promise<void> {
    try {
      const events = await this.trainer.client.start(this.options.job);
      for await (const event of events) {
        if (this.hasEnded) return;
        this.handle(event);
        this.recorder.update(this.trainer.changes?.() ?? {});
      }
      if (!this.hasEnded) await this.die();
    } catch (error) {
      if (!this.hasEnded) await this.fail(fromWireError(error));
    }
  }

  private handle(event: TrainerEvent): void {
    switch (event.type) {
      case 'prepared':
        return this.onPrepared(event);
      case 'baselines':
        return this.onBaselines(event);
      case 'best cosines':
        return this.recorder.addCosineSums(event.sums);
      case 'started':
        return this.onStarted(event);
      case 'steps':
        return this.onSteps(event);
      case 'epoch':
        return this.onEpoch(event);
      case 'gate':
        this.recorder.addGate(event);
        return this.options.announce(event);
      case 'checkpoint':
        return this.recorder.addCheckpoint(event);
      case 'store':
        void this.store(event.ticket);
        return;
      case 'pausing':
        this.pauseReason = event.reason;
        this.lacksSpaceForCheckpoint = event.isDiskFull;
        return;
      case 'log':
        return this.addLog(event.line);
      case 'status':
        return this.onStatus(event.status);
      case 'stage':
        this.stage = event;
        this.recorder.update({ duration_ms: this.clock.durationMs });
        return this.options.onChange();
      case 'finished':
        return this.onFinished(event);
    }
  }

  private onPrepared(event: EventOf<'prepared'>): void {
    const { sharing } = this.options;
    const engine = { ...event.engine, ...(sharing && { sharing }) };
    this.engine = engine;
    this.demand = { ...this.demand, usesDevice: usesDevice(engine.name) };
    this.recorder.update(preparedChanges({ ...event, engine }));
    if (sharing !== null) this.log('info', `Shares the machine: ${sharingWords(sharing)}.`);
    this.options.onChange();
  }

  private onBaselines({ baselines, sums }: EventOf<'baselines'>): void {
    if (sums) this.recorder.addCosineSums(sums);
    this.recorder.update({ baselines_json: JSON.stringify(baselines) });
    this.recorder.flush();
    this.options.onChange();
  }

  private onStarted(event: EventOf<'started'>): void {
    this.clock.start(event.step, totalSteps(event));
    this.recorder.begin(event.step + 1, this.engine);
    this.recorder.update(startedChanges(event, this.options.job.oodFolder !== null));
    this.setStatus('running', '');
  }

  private onSteps(block: StepBlock): void {
    this.clock.step = block.firstStep + block.count - 1;
    this.recorder.addSteps(block);
    this.recorder.update(stepChanges(block, this.clock));
    this.options.announce(block);
    this.options.onChange();
  }

  private onEpoch(record: EpochRecord): void {
    this.clock.step = record.step;
    this.recorder.addEpoch(record);
    this.recorder.update(epochChanges(record, this.clock));
    this.recorder.flush();
    this.options.announce(record);
    this.options.onChange();
  }

  private onStatus(status: EventOf<'status'>['status']): void {
    this.isResuming = false;
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
    this.recorder.update(finishedChanges(event));
    if (this.closingReason !== null && event.status === 'stopped') {
      this.finish('interrupted', this.closingReason);
      return;
    }
    if (event.status === 'interrupted') this.log('error', event.reason);
    this.finish(event.status, event.reason, event.durationMs);
  }

  /** Writes the history to disk, then lets the trainer write its checkpoint. A full disk is tried again. */
  private async store(ticket: number): Promise<void> {
    if (!this.recorder.flush() || !(await this.syncHistory())) {
      await delay(FULL_DISK_RETRY_MS);
      if (!this.hasEnded) await this.store(ticket);
      return;
    }
    // A trainer that dies here is handled when its exit is seen.
    await this.trainer.client.stored({ ticket }).catch(() => undefined);
  }

  /** false: the disk is full. Some file systems say so only here. */
  private async syncHistory(): Promise<boolean> {
    try {
      await syncWal(this.options.db);
    } catch (error) {
      const fault = fileFault(error);
      if (fault?.code !== 'DISK_FULL') throw error;
      if (!this.isSyncRefused) {
        const place = this.options.db.name;
        this.onDiskFull(`The history ${place} could not be written: ${fault.reason}. Free some space on that disk.`);
      }
      this.isSyncRefused = true;
      return false;
    }
    if (this.isSyncRefused) this.onDiskFree();
    this.isSyncRefused = false;
    return true;
  }

  /** What is written from now on is lost, so the run ends. */
  private onGone(path: string): void {
    if (this.hasEnded) return;
    const reason =
      `The storage folder ${dirname(path)} was moved or deleted while this run trained; ` +
      'its last epochs are stored only if that folder still exists somewhere. Put it back, then resume.';
    this.log('error', reason);
    this.finish('failed', reason);
  }

  private onDiskFull(message: string): void {
    this.fullDiskReason = message;
    this.options.announce({ type: 'log', line: { at: Date.now(), level: 'error', message } });
    this.options.onChange();
    void this.pause(message).catch(() => undefined);
  }

  private onDiskFree(): void {
    this.fullDiskReason = null;
    this.log('info', 'The history can be written again; nothing was lost.');
    this.options.onChange();
  }

  /**
   * An error of the trainer (a bad checkpoint, a missing engine) fails the run; any other means the process is gone. A
   * resumed run without its engine can go on when the engine is there again, or on another one, as can one whose job was lost.
   */
  private async fail(error: unknown): Promise<void> {
    if (!isNextvecError(error)) {
      await this.die(error);
      return;
    }
    this.log('error', error.message);
    const canGoOn = error.code === 'TRAINER_DIED' || (this.options.job.resume && error.code === 'ENGINE_UNAVAILABLE');
    this.finish(canGoOn ? 'interrupted' : 'failed', [error.message, error.remedy].filter(Boolean).join(' '));
  }

  private async die(cause: unknown = null): Promise<void> {
    const exit = await Promise.race([this.trainer.exited, delay(EXIT_GRACE_MS)]);
    if (this.hasEnded) return;
    const reason = this.closingReason ?? describeExit(exit);
    this.log('error', reason);
    // The trainer lives: what went wrong is the connection to it.
    if (exit === null && cause instanceof Error) this.log('error', cause.message);
    if (exit?.stderrTail) this.log('error', exit.stderrTail);
    this.finish('interrupted', reason);
  }

  /** The process is alive but does not answer: what it has not written is lost. */
  private onSilence(): void {
    if (this.hasEnded) return;
    const seconds = Math.round(this.heartbeat.limitMs / 1000);
    const reason =
      this.closingReason ??
      `The trainer has not answered for ${seconds} s, perhaps because one of its threads was ended; it was stopped.`;
    this.log('error', reason);
    this.finish('interrupted', reason);
  }

  private finish(status: RunStatus, reason: string, durationMs = this.clock.durationMs): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.heartbeat.listen(false);
    this.recorder.update({ status, reason, duration_ms: durationMs, ended_at_ms: Date.now() });
    this.recorder.end();
    this.options.onChange();
    // Its checkpoints are on disk and its events are read: there is nothing to wait for.
    this.trainer.kill();
    void this.trainer.exited.then(() => this.options.onEnd());
  }

  private setStatus(status: LiveStatus, reason: string): void {
    this.clock.run(status === 'running');
    this.status = status;
    this.heartbeat.listen(status === 'running');
    this.recorder.update({ status, reason, ended_at_ms: null, duration_ms: this.clock.durationMs });
    this.recorder.flush();
    this.options.onChange();
  }

  /** Adds a line of main's own to the run's log. */
  log(level: LogLine['level'], message: string): void {
    this.addLog({ at: Date.now(), level, message });
  }

  private addLog(line: LogLine): void {
    this.recorder.addLog(line);
    this.options.announce({ type: 'log', line });
  }
}
