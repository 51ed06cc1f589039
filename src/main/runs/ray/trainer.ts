/**
 * A trainer that is a Ray job, as main sees any trainer: the job's output says that there is more to read, what it says lies
 * in the shared folder (`events.ts`). A job that is lost goes on as another job from the last checkpoint. It trains
 * whether or not it is followed. Not here: the job itself (`trainer/ray-job.ts`).
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
import type { TrainerLink } from '../trainer-connection.ts';
import { lastWords } from './check.ts';
import { hasEnded, type JobRequest, type JobState, type RayClient } from './client.ts';
import { sendCheckpoints } from './checkpoints.ts';
import { hasEvents, readEvents } from './events.ts';
import { JobReader, logEvent } from './job-reader.ts';
import { attemptFolder, eventsFile, readJob, runFolder, sendControl, sendJob, type Control } from './shared-folder.ts';

/** Between looks at a job that has said its last word, and how many. */
const END_MS = 300;
const MOST_LOOKS = 30;
/** For a flush under way in a job that is being replaced. */
const REPLACE_MS = 1500;
/** Between looks at a job whose output says nothing. */
const LOOK_MS = 3000;
/** Jobs in a row that end without another checkpoint. */
const MOST_IN_VAIN = 3;

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
  readonly exited: Promise<TrainerExit>;
  readonly client: TrainerLink['client'];
  private readonly options: RayTrainerOptions;
  private readonly reader: JobReader;
  private runId = '';
  private leave!: (exit: TrainerExit) => void;
  private isLeft = false;
  private isUnreachable = false;
  private wake: () => void = () => undefined;

  constructor(options: RayTrainerOptions) {
    this.options = options;
    this.reader = new JobReader(options.cluster, options.place);
    this.exited = new Promise((resolve) => {
      this.leave = resolve;
    });
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

  /** What has been read up to the event given last, for the transaction that stores it. */
  changes(): RunChanges {
    return { place_json: JSON.stringify(this.reader.place) };
  }

  /** Stops following; the job goes on. */
  detach(): void {
    this.isLeft = true;
    this.wake();
    this.leave({ code: 0, signal: null, stderrTail: '' });
  }

  kill(): void {
    if (this.isLeft) return;
    // What could not be removed or stopped is left there.
    void this.end()
      .catch(() => undefined)
      .then(() => this.detach());
  }

  private async end(): Promise<void> {
    if (this.reader.place.attempt === 0) return;
    if (!this.reader.isDone) {
      // Ray may start a job that it was asked to stop while it waited: then the job finds this.
      await sendControl(this.attempt, { call: 'stop', at: 'now', reason: 'Stopped on request.' }).catch(
        () => undefined,
      );
      await this.options.client.stop(this.id);
    }
    if (!this.reader.hasFinished) return;
    // Its last file is still open. Not `delay`: a command must not end before.
    for (let looks = 0; looks < MOST_LOOKS && (await this.isAlive()); looks++) await setTimeout(END_MS);
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
    let current = this.reader.place.attempt > 0 ? yield* this.goOn(job) : job;
    for (let inVain = 0; !this.reader.isDone && !this.isLeft;) {
      yield* this.begin(current);
      if (this.reader.isDone) return;
      this.reader.hasComeFurther = false;
      const reason = yield* this.follow(current);
      if (reason === null) return;
      inVain = this.reader.hasComeFurther ? 0 : inVain + 1;
      if (inVain >= MOST_IN_VAIN) throw lost(reason);
      yield sayLost(reason);
      current = { ...current, resume: true, earlierEngine: this.reader.engine ?? current.earlierEngine };
    }
  }

  /**
   * What an earlier life has not read, and the job itself while it is alive. Returns the job to send next, should this one
   * be lost or have ended before.
   */
  private async *goOn(job: TrainerJob): AsyncGenerator<TrainerEvent, TrainerJob> {
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
    if (reason !== null) yield sayLost(reason);
    return current;
  }

  /** A cluster that does not answer now is looked at again while the job is followed. */
  private async isAlive(): Promise<boolean> {
    try {
      const state = await this.options.client.job(this.id);
      return state !== null && !hasEnded(state);
    } catch {
      return true;
    }
  }

  /** Sends what the job needs and submits it. */
  private async *begin(job: TrainerJob): AsyncGenerator<TrainerEvent> {
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
    while (!this.isLeft && !(await this.hasSubmitted(request))) {
      yield* this.sayUnreachable();
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

  /** false: the cluster does not answer now, or has not started all of its parts. */
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

  /** Yields what the job says until it has ended; why it was lost, or null where it was not. */
  private async *follow(job: TrainerJob): AsyncGenerator<TrainerEvent, string | null> {
    let untail: (() => void) | null = null;
    let state: Awaited<ReturnType<RayTrainer['look']>> = null;
    let lookedAt = -Infinity;
    try {
      for (;;) {
        if (untail === null || performance.now() - lookedAt >= LOOK_MS) {
          state = await this.look();
          lookedAt = performance.now();
        }
        // Looked at before: what an ended job has written is all there.
        yield* this.reader.read(job);
        if (this.reader.isDone || this.isLeft) return null;
        if (state === 'unreachable') yield* this.sayUnreachable();
        else {
          this.isUnreachable = false;
          if (state === null || hasEnded(state)) return await this.whyLost(state);
          untail ??= this.options.client.tail(
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

  /** Until the job has written something or it is time to look. */
  private async change(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = globalThis.setTimeout(resolve, LOOK_MS);
    });
    clearTimeout(timer);
  }

  private async look(): Promise<JobState | null | 'unreachable'> {
    try {
      return await this.options.client.job(this.id);
    } catch (error) {
      if (isNextvecError(error) && error.code === 'CLUSTER_UNREACHABLE') return 'unreachable';
      throw error;
    }
  }

  private *sayUnreachable(): Generator<TrainerEvent> {
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
    const said = lastWords(await this.options.client.logs(this.id).catch(() => '')) || (state.message ?? '');
    if (state.status === 'STOPPED') throw lost('The job was stopped in Ray.');
    const reason = `The job ended in Ray without a result (${state.status.toLowerCase()}): ${said}`;
    // It has never trained: another job would end the same way.
    if (this.reader.place.read === 0 && typeof state.driver_exit_code === 'number') throw lost(reason);
    return reason;
  }
}

function sayLost(reason: string): TrainerEvent {
  return logEvent('warning', `${reason} It goes on as another job, from its last checkpoint.`);
}

function lost(reason: string): NextvecError {
  return new NextvecError('TRAINER_DIED', reason, {
    remedy: 'Resume it, there or from the checkpoints that are here.',
  });
}
