/**
 * One life of a run in a trainer process, seen from main: steers the trainer, and decides the run's status when it ends,
 * however it ends. Not here: what its events say (`run-journal.ts`), which run may train now (`queue.ts`).
 */
import type { RunStatus } from '#shared/contract/runs.ts';
import type { TrainerEvent } from '#shared/contract/trainer.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import { plural } from '#shared/domain/figures.ts';
import type { Finished } from '#shared/domain/runs/training.ts';
import { fromWireError } from '../../wire/errors.ts';
import { usesDevice } from '../resources/demand.ts';
import type { EventOf } from './event-changes.ts';
import { Heartbeat } from './heartbeat.ts';
import { RunJournal, type LiveStatus, type RunJournalOptions } from './run-journal.ts';
import type { Demand } from '../resources/sharing.ts';
import { delay, describeExit, type TrainerLink } from './trainer-connection.ts';

/** After a lost connection the trainer's exit is awaited this long, for its status and the end of its stderr. */
const EXIT_GRACE_MS = 3000;
/** Between attempts to write a history that a full disk has refused. */
const FULL_DISK_RETRY_MS = 3000;
const CLOSE_GRACE_MS = 30_000;
const HEARTBEAT_MS = 10_000;

export interface LiveRunOptions extends RunJournalOptions {
  /** Starts its trainer, or finds it again. */
  readonly connect: () => TrainerLink;
  readonly demand: Demand;
  /** Address of the cluster it trains on; null: here. */
  readonly on: string | null;
  /** Milliseconds between liveness checks of the trainer. */
  readonly heartbeatMs?: number;
  /** The trainer is gone and everything is written. */
  readonly onEnd: () => void;
}

export class LiveRun {
  /** Threads it has, or will have once its trainer has started. */
  threads: number;
  /** What it has said so far. */
  readonly journal: RunJournal;
  private readonly options: LiveRunOptions;
  private readonly trainer: TrainerLink;
  private readonly heartbeat: Heartbeat;
  /** What it takes of the machine. */
  demand: Demand;
  /** It was asked to stop now. */
  isStopping = false;
  private isResuming = false;
  private readonly pauseWaiters = new Set<() => void>();
  private pauseReason = '';
  private lacksSpaceForCheckpoint = false;
  private closingReason: string | null = null;
  private hasEnded = false;

  constructor(options: LiveRunOptions) {
    this.options = options;
    this.demand = options.demand;
    this.threads = options.job.recipe.threads ?? options.job.threads;
    this.journal = new RunJournal(options, {
      onDiskFull: (message) => void this.pause(message).catch(() => undefined),
      onGone: (reason) => this.giveUp('failed', reason),
    });
    this.trainer = options.connect();
    this.heartbeat = new Heartbeat({
      everyMs: options.heartbeatMs ?? HEARTBEAT_MS,
      ask: () => this.trainer.client.alive(),
      onSilence: () => this.onSilence(),
    });
    this.setStatus('starting', '');
    void this.follow();
  }

  get status(): LiveStatus {
    return this.journal.status;
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

  /** Whether it pauses until there is space for its history or its checkpoints. */
  get waitsForSpace(): boolean {
    return this.journal.diskFull !== null || (this.status === 'paused' && this.lacksSpaceForCheckpoint);
  }

  async pause(reason: string): Promise<void> {
    this.pauseReason = reason;
    await this.call(() => this.trainer.client.pause());
  }

  /** Resolves once the trainer says it has paused and its checkpoint is written. */
  private paused(): Promise<void> {
    if (this.status === 'paused') return Promise.resolve();
    return new Promise((resolve) => void this.pauseWaiters.add(resolve));
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
    this.journal.log('info', `Trains with ${plural(threads, 'thread')} from here on.`);
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
      this.journal.leave();
      this.trainer.detach();
      return;
    }
    this.closingReason = reason;
    // Without space for the history no checkpoint is written: there is nothing to wait for.
    if (this.status === 'running' && !this.hasEnded && this.journal.diskFull === null) {
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
        this.journal.update(this.trainer.changes?.() ?? {});
      }
      if (!this.hasEnded) await this.die();
    } catch (error) {
      if (!this.hasEnded) await this.fail(fromWireError(error));
    }
  }

  private handle(event: TrainerEvent): void {
    switch (event.type) {
      case 'store':
        void this.store(event.ticket);
        return;
      case 'pausing':
        this.pauseReason = event.reason;
        this.lacksSpaceForCheckpoint = event.isDiskFull;
        return;
      case 'status':
        return this.onStatus(event.status);
      case 'finished':
        return this.onFinished(event);
      case 'prepared':
        this.demand = { ...this.demand, usesDevice: usesDevice(event.engine.name) };
        break;
      case 'started':
        this.heartbeat.listen(true);
        break;
    }
    this.journal.record(event);
  }

  private onStatus(status: EventOf<'status'>['status']): void {
    this.isResuming = false;
    if (status === 'paused') {
      this.setStatus('paused', this.pauseReason);
      this.journal.log('info', this.pauseReason === '' ? 'Paused.' : `Paused: ${this.pauseReason}`);
      for (const resolve of this.pauseWaiters) resolve();
      this.pauseWaiters.clear();
    } else if (status === 'running' && this.status === 'paused') {
      this.setStatus('running', '');
      this.journal.log('info', 'Goes on.');
    }
  }

  private onFinished(event: Finished): void {
    this.journal.recordFinish(event);
    if (this.closingReason !== null && event.status === 'stopped') {
      this.finish('interrupted', this.closingReason);
      return;
    }
    if (event.status === 'interrupted') this.journal.log('error', event.reason);
    this.finish(event.status, event.reason, event.durationMs);
  }

  /** Writes the history to disk, then lets the trainer write its checkpoint. A full disk is tried again. */
  private async store(ticket: number): Promise<void> {
    if (!(await this.journal.sync())) {
      await delay(FULL_DISK_RETRY_MS);
      if (!this.hasEnded) await this.store(ticket);
      return;
    }
    // A trainer that dies here is handled when its exit is seen.
    await this.trainer.client.stored({ ticket }).catch(() => undefined);
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
    this.journal.log('error', error.message);
    const canGoOn = error.code === 'TRAINER_DIED' || (this.options.job.resume && error.code === 'ENGINE_UNAVAILABLE');
    this.finish(canGoOn ? 'interrupted' : 'failed', [error.message, error.remedy].filter(Boolean).join(' '));
  }

  private async die(cause: unknown = null): Promise<void> {
    const exit = await Promise.race([this.trainer.exited, delay(EXIT_GRACE_MS)]);
    if (this.hasEnded) return;
    const reason = this.closingReason ?? describeExit(exit);
    this.journal.log('error', reason);
    // The trainer lives: what went wrong is the connection to it.
    if (exit === null && cause instanceof Error) this.journal.log('error', cause.message);
    if (exit?.stderrTail) this.journal.log('error', exit.stderrTail);
    this.finish('interrupted', reason);
  }

  /** The process is alive but does not answer: what it has not written is lost. */
  private onSilence(): void {
    const seconds = Math.round(this.heartbeat.limitMs / 1000);
    const silence = `The trainer has not answered for ${seconds} s, perhaps because one of its threads was ended; it was stopped.`;
    this.giveUp('interrupted', this.closingReason ?? silence);
  }

  private giveUp(status: RunStatus, reason: string): void {
    if (this.hasEnded) return;
    this.journal.log('error', reason);
    this.finish(status, reason);
  }

  /** `durationMs`: by the trainer's clock, where it said. */
  private finish(status: RunStatus, reason: string, durationMs?: number): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.heartbeat.listen(false);
    this.journal.end(status, reason, durationMs);
    // Its checkpoints are on disk and its events are read: there is nothing to wait for.
    this.trainer.kill();
    void this.trainer.exited.then(() => this.options.onEnd());
  }

  private setStatus(status: LiveStatus, reason: string): void {
    this.heartbeat.listen(status === 'running');
    this.journal.setStatus(status, reason);
  }
}
