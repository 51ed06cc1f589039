/** Reads what a job says, and brings its checkpoints here. Not here: whether the job is alive (`trainer.ts`). */
import { basename, join } from 'node:path';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Cluster, RunPlace } from '#shared/domain/runs/clusters.ts';
import type { LogLine } from '#shared/contract/runs.ts';
import { fetchCheckpoint } from './checkpoints.ts';
import { readEvents, type JobEvent } from './events.ts';
import { attemptFolder, eventsFile, runFolder } from './shared-folder.ts';

/** A clock that differs by less is taken for the delay of its message. */
const SKEW_MS = 5000;

export class JobReader {
  place: RunPlace;
  /** The trainer's last word was read: it has finished or failed. */
  isDone = false;
  /** It has trained to its end: nothing will be resumed from the shared folder. */
  hasFinished = false;
  /** A checkpoint was read. */
  hasNewCheckpoint = false;
  /** That the job has chosen; null: none yet. */
  engine: TrainerJob['earlierEngine'] = null;
  private readonly folder: string;
  private skewMs = 0;

  constructor({ folder }: Cluster, place: RunPlace) {
    this.folder = folder;
    this.place = place;
  }

  attemptOf(runId: string): string {
    return attemptFolder(this.folder, runId, this.place.attempt);
  }

  /** What was said since the last event that was given. Throws the error that ended the run. */
  async *read({ runId, runFolder: here }: TrainerJob): AsyncGenerator<TrainerEvent> {
    for await (const { event, end } of readEvents(eventsFile(this.attemptOf(runId)), this.place.read)) {
      this.place = { ...this.place, read: end };
      if (event.type === 'hello') yield* this.readHello(event);
      else if (event.type === 'error') {
        this.isDone = true;
        throw new NextvecError(event.error.code, event.error.message, { remedy: event.error.remedy });
      } else yield* this.readEvent(event, here, runFolder(this.folder, runId));
    }
  }

  private *readHello({ at, machine }: Extract<JobEvent, { type: 'hello' }>): Generator<TrainerEvent> {
    const skewMs = at - Date.now();
    // Behind it is also a job whose first line is read late, after the app was closed.
    this.skewMs = skewMs > SKEW_MS ? skewMs : 0;
    yield logEvent('info', `Trains on ${machine}.`);
    if (this.skewMs === 0) return;
    const seconds = Math.round(skewMs / 1000);
    yield logEvent('warning', `The clock of ${machine} is ${seconds} s ahead of this one, whose times are shown.`);
  }

  private async *readEvent(event: TrainerEvent, here: string, there: string): AsyncGenerator<TrainerEvent> {
    if (event.type === 'log') {
      yield { ...event, line: { ...event.line, at: event.line.at - this.skewMs } };
      return;
    }
    if (event.type === 'prepared') this.engine = event.engine.name as TrainerJob['earlierEngine'];
    if (event.type === 'checkpoint') {
      this.hasNewCheckpoint = true;
      // One that a newer has replaced is gone already; the newer one follows.
      if (!(await fetchCheckpoint(join(there, basename(event.folder)), here, event.kind))) return;
    }
    if (event.type === 'finished') {
      this.isDone = true;
      this.hasFinished = event.status === 'finished';
    }
    yield event;
  }
}

export function logEvent(level: LogLine['level'], message: string): TrainerEvent {
  return { type: 'log', line: { at: Date.now(), level, message } };
}
