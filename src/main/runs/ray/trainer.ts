/**
 * A trainer that is a Ray job, as main sees any trainer: output of the job announces events, which are read from the shared
 * folder (`events.ts`). A lost job is submitted again, from the last checkpoint. A job trains whether or not it is followed.
 * Not here: the job itself (`trainer/ray-job.ts`).
 */
import { mkdir, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { plural } from '#shared/domain/figures.ts';
import { shellQuote } from '#shared/domain/recipe/command-line.ts';
import { jobId, type Cluster, type RunPlace } from '#shared/domain/runs/clusters.ts';
import type { TrainerExit } from '../../processes/trainer-process.ts';
import type { RunChanges } from '../../store/runs.ts';
import type { TrainerLink } from '../live/trainer-connection.ts';
import { lastLogLine } from './check.ts';
import { hasEnded, type JobRequest, type JobState, type RayClient } from './client.ts';
import { sendCheckpoints } from './checkpoints.ts';
import { hasEvents, readEvents } from './events.ts';
import { JobReader, logEvent } from './job-reader.ts';
import { attemptFolder, eventsFile, readJob, runFolder, sendControl, sendJob, type Control } from './shared-folder.ts';

/** A job that has written its last event is polled until it has ended: interval and number of polls. */
const END_POLL_MS = 300;
const MOST_END_POLLS = 30;
/** Time for a job that is being replaced to finish a write. */
const REPLACE_MS = 1500;
/** Between polls of a job that writes no output. */
const POLL_MS = 3000;
/** Jobs in a row that may end without a new checkpoint. */
const MOST_FAILED_JOBS = 3;

export interface RayTrainerOptions {
  readonly cluster: Cluster;
  readonly client: RayClient;
  readonly version: string;
  readonly place: RunPlace;
  /** Last step and epoch in the history. */
  readonly step: number;
  readonly epoch: number;
  readonly gpus: number;
  readonly memoryBytes: number;
  /** Stores the place at once: a job must be found again by its id. */
  readonly recordPlace: (place: RunPlace) => void;
  /** Rejects with what is wrong with the cluster; called before anything is sent. */
  readonly checked: () => Promise<unknown>;
}

export class RayTrainer implements TrainerLink {
  readonly client: TrainerLink['client'];
  private readonly options: RayTrainerOptions;
  private readonly reader: JobReader;
  private runId = '';
  private readonly exit = Promise.withResolvers<TrainerExit>();
  readonly exited = this.exit.promise;
  private isDetached = false;
  private isUnreachable = false;
  private wake: () => void = () => undefined;

  constructor(options: RayTrainerOptions) {
    this.options = options;
    this.reader = new JobReader(options.cluster, options.place);
    const ask = (control: Control): Promise<void> => sendControl(this.attempt, control);
    this.client = {
      start: async (job) => this.events(job),
      // Whether the job lives is what following it finds out.
      alive: async () => undefined,
      // The job waits for its own file instead, and keeps its threads.
      stored: async () => undefined,
      setThreads: async () => undefined,
      pause: () => ask({ call: 'pause' }),
      resume: () => ask({ call: 'resume' }),
      stop: ({ at, reason }) => ask({ call: 'stop', at, reason }),
    };
  }

  /** How far the events are read, stored in one transaction with the event yielded last. */
  changes(): RunChanges {
    return { place_json: JSON.stringify(this.reader.place) };
  }

  /** Stops following; the job goes on. */
  detach(): void {
    this.isDetached = true;
    this.wake();
    this.exit.resolve({ code: 0, signal: null, stderrTail: '' });
  }

  kill(): void {
    if (this.isDetached) return;
    // What could not be removed or stopped is left there.
    void this.end()
      .catch(() => undefined)
      .then(() => this.detach());
  }

  private async end(): Promise<void> {
    if (this.reader.place.attempt === 0) return;
    if (!this.reader.isDone) {
      // Ray may still start a job that was stopped while it waited for room: the job then reads this and ends.
      await sendControl(this.attempt, { call: 'stop', at: 'now', reason: 'Stopped on request.' }).catch(
        () => undefined,
      );
      await this.options.client.stop(this.id);
    }
    if (!this.reader.hasFinished) return;
    // The job still has its events open. Not `delay`: a command must not end before.
    for (let polls = 0; polls < MOST_END_POLLS && (await this.isAlive()); polls++) await setTimeout(END_POLL_MS);
    await rm(runFolder(this.options.cluster.folder, this.runId), { recursive: true, force: true, maxRetries: 5 });
  }

  private get id(): string {
    return jobId(this.runId, this.reader.place.attempt);
  }

  private get attempt(): string {
    return this.reader.attemptOf(this.runId);
  }

  private async *events(job: TrainerJob): AsyncGenerator<TrainerEvent> {
    this.runId = job.runId;
    let current = this.reader.place.attempt > 0 ? yield* this.reattach(job) : job;
    for (let failed = 0; !this.reader.isDone && !this.isDetached;) {
      yield* this.submit(current);
      if (this.reader.isDone) return;
      this.reader.hasNewCheckpoint = false;
      const reason = yield* this.follow(current);
      if (reason === null) return;
      failed = this.reader.hasNewCheckpoint ? 0 : failed + 1;
      if (failed >= MOST_FAILED_JOBS) throw jobLost(reason);
      yield resubmitEvent(reason);
      current = { ...current, resume: true, earlierEngine: this.reader.engine ?? current.earlierEngine };
    }
  }

  /**
   * Yields the events of the last job that are not in the history, and follows the job while it is alive. Returns what to
   * submit next where it was lost or had ended.
   */
  private async *reattach(job: TrainerJob): AsyncGenerator<TrainerEvent, TrainerJob> {
    const sent = await readJob(this.attempt).catch(() => null);
    if (sent === null) return job;
    const { read } = this.reader.place;
    const isAlive = await this.isAlive();
    if (!isAlive && !(await hasEvents(eventsFile(this.attempt), read))) return job;
    for await (const { event, end } of readEvents(eventsFile(this.attempt), 0)) {
      if (end > read) break;
      if (event.type === 'prepared') yield event;
      // Its steps since are in the history already.
      if (event.type === 'started') yield { ...event, step: this.options.step, epoch: this.options.epoch };
    }
    const current = { ...job, stopAfterEpoch: sent.job.stopAfterEpoch };
    const reason = yield* this.follow(current);
    if (reason !== null) yield resubmitEvent(reason);
    return current;
  }

  /** True where the cluster does not answer: it is asked again while the job is followed. */
  private async isAlive(): Promise<boolean> {
    try {
      const state = await this.options.client.job(this.id);
      return state !== null && !hasEnded(state);
    } catch {
      return true;
    }
  }

  /** Copies what the job needs into the shared folder and submits it. */
  private async *submit(job: TrainerJob): AsyncGenerator<TrainerEvent> {
    const { cluster, client, version, gpus, memoryBytes, checked } = this.options;
    await checked();
    const attempt = this.reader.place.attempt + 1;
    if (attempt > 1) {
      yield* this.replace(job, attempt);
      if (this.reader.isDone) return;
    }
    await sendCheckpoints(job.runFolder, runFolder(cluster.folder, job.runId));
    await sendJob(cluster.folder, attemptFolder(cluster.folder, job.runId, attempt), version, job);
    this.reader.place = { ...this.reader.place, attempt, read: 0 };
    this.options.recordPlace(this.reader.place);
    const entryPoint = `${cluster.command} ray-job ${shellQuote(this.attempt)} --json`;
    const cpus = job.recipe.threads ?? job.threads;
    const request = { id: this.id, entryPoint, cpus, gpus, memoryBytes };
    while (!this.isDetached && !(await this.hasSubmitted(request))) {
      yield* this.warnUnreachable();
      await this.change();
    }
    yield logEvent(
      'info',
      `Sent to Ray at ${client.address} as job ${this.id}: ${plural(cpus, 'CPU')}, ${plural(gpus, 'GPU')}.`,
    );
  }

  /**
   * A job that Ray has lost may still train: it ends when it finds the folder of a later attempt. What it has written until
   * then is read first, since its checkpoints may be as new.
   */
  private async *replace(job: TrainerJob, attempt: number): AsyncGenerator<TrainerEvent> {
    await mkdir(attemptFolder(this.options.cluster.folder, job.runId, attempt), { recursive: true });
    await setTimeout(REPLACE_MS);
    yield* this.reader.read(job);
  }

  /** false: the cluster does not answer, or is still starting. */
  private async hasSubmitted(request: JobRequest): Promise<boolean> {
    try {
      await this.options.client.submit(request);
    } catch (error) {
      if (!isNextvecError(error)) throw error;
      if (error.code === 'CLUSTER_UNREACHABLE') return false;
      // The answer to an earlier request was lost.
      if (error.code !== 'CONFLICT') throw error;
    }
    return true;
  }

  /** Yields the job's events until it has ended. Returns why it was lost; null: it was not. */
  private async *follow(job: TrainerJob): AsyncGenerator<TrainerEvent, string | null> {
    let untail: (() => void) | null = null;
    let state: Awaited<ReturnType<RayTrainer['poll']>> = null;
    let polledAt = -Infinity;
    try {
      for (;;) {
        if (untail === null || performance.now() - polledAt >= POLL_MS) {
          state = await this.poll();
          polledAt = performance.now();
        }
        // After the poll: all events of a job that has ended are in the file then.
        yield* this.reader.read(job);
        if (this.reader.isDone || this.isDetached) return null;
        if (state === 'unreachable') yield* this.warnUnreachable();
        else {
          this.isUnreachable = false;
          if (state === null || hasEnded(state)) return await this.whyLost(state);
          untail ??= await this.options.client.tail(
            this.id,
            () => this.wake(),
            () => {
              untail = null;
              this.wake();
            },
          );
        }
        await this.change();
      }
    } finally {
      untail?.();
    }
  }

  /** Resolves when the job has written output, or after POLL_MS. */
  private async change(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = globalThis.setTimeout(resolve, POLL_MS);
    });
    clearTimeout(timer);
  }

  private async poll(): Promise<JobState | null | 'unreachable'> {
    try {
      return await this.options.client.job(this.id);
    } catch (error) {
      if (isNextvecError(error) && error.code === 'CLUSTER_UNREACHABLE') return 'unreachable';
      throw error;
    }
  }

  private *warnUnreachable(): Generator<TrainerEvent> {
    if (!this.isUnreachable) {
      yield logEvent(
        'warning',
        `Ray at ${this.options.cluster.address} does not answer; it is asked again until it does, or the run is stopped.`,
      );
    }
    this.isUnreachable = true;
  }

  private async whyLost(state: JobState | null): Promise<string> {
    if (state === null) return 'Ray does not know the job any more: it was stopped or started anew.';
    const said = lastLogLine(await this.options.client.logs(this.id).catch(() => '')) || (state.message ?? '');
    if (state.status === 'STOPPED') throw jobLost('The job was stopped in Ray.');
    const reason = `The job ended in Ray without a result (${state.status.toLowerCase()}): ${said}`;
    // It has written no event: another job would end the same way.
    if (this.reader.place.read === 0 && typeof state.driver_exit_code === 'number') throw jobLost(reason);
    return reason;
  }
}

function resubmitEvent(reason: string): TrainerEvent {
  return logEvent('warning', `${reason} It goes on as another job, from its last checkpoint.`);
}

function jobLost(reason: string): NextvecError {
  return new NextvecError('TRAINER_DIED', reason, {
    remedy: 'Resume it, there or from the checkpoints that are here.',
  });
}
