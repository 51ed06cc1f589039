/**
 * A run inside a Ray job: trains what `job.json` asks, writes what happened to the shared folder, and does what it is asked
 * there. Nobody needs to follow it. Not here: the other side (`runs/ray/trainer.ts`).
 */
import { hostname } from 'node:os';
import { NextvecError, toErrorData } from '#shared/domain/errors.ts';
import { EventsWriter, type JobEvent } from '../runs/ray/events.ts';
import {
  eventsFile,
  isReplaced,
  readControls,
  readJob,
  type Control,
  type JobFile,
} from '../runs/ray/shared-folder.ts';
import { TrainerSession } from './session.ts';

const FLUSH_MS = 1000;
const CONTROL_MS = 500;

export interface RayJobOptions {
  readonly version: string;
  readonly resourcesDir: string;
  readonly dataWorker: string;
  /** Called after each flush: its output is how the other side learns that there is more to read. */
  readonly onFlushed: (newest: JobEvent) => void;
  /** Aborted when Ray wants the job to end: it saves and leaves. */
  readonly signal: AbortSignal;
}

/** Trains to the end; false where it could not, with the reason among its events. Throws where there is no job to read. */
export async function runJob(attempt: string, options: RayJobOptions): Promise<boolean> {
  const file = await readJob(attempt);
  const writer = await EventsWriter.open(eventsFile(attempt));
  writer.add({ type: 'hello', at: Date.now(), machine: hostname() });
  try {
    refuseOtherVersion(file, options.version);
    await train(attempt, file, writer, options);
    return true;
  } catch (error) {
    // Nothing that it says counts any more.
    if (isReplaced(attempt)) return false;
    const { code, message, remedy } = toErrorData(error);
    writer.add({ type: 'error', error: { code, message, remedy } });
    return false;
  } finally {
    await writer.close();
  }
}

function refuseOtherVersion({ version }: JobFile, own: string): void {
  if (version === own) return;
  throw new NextvecError('CONFLICT', `${hostname()} has Nextvec ${own}, the machine that sent this run ${version}.`, {
    remedy: 'Install the same version on all machines of the cluster.',
  });
}

async function train(
  attempt: string,
  { job }: JobFile,
  writer: EventsWriter,
  { resourcesDir, dataWorker, onFlushed, signal }: RayJobOptions,
): Promise<void> {
  const session = new TrainerSession({ ...job, resourcesDir, dataWorker });
  let newest: JobEvent | null = null;
  const flush = async (): Promise<void> => {
    // Before each checkpoint: a later attempt reads the events so far, and starts from the newest checkpoint.
    refuseReplaced(attempt);
    await writer.flush();
    if (newest !== null) onFlushed(newest);
    newest = null;
  };
  const fail = (error: unknown): void => session.events.fail(error);
  const flushing = setInterval(() => void flush().catch(fail), FLUSH_MS);
  const steering = steer(attempt, session, fail);
  const leave = (): void => session.pause();
  signal.addEventListener('abort', leave);
  void session.run();
  try {
    for await (const event of session.events.read()) {
      if (event.type === 'store') {
        await flush();
        session.stored(event.ticket);
        continue;
      }
      writer.add(event);
      newest = event;
      // Its checkpoint is written.
      if (signal.aborted && event.type === 'status' && event.status === 'paused') break;
    }
  } finally {
    clearInterval(flushing);
    clearInterval(steering);
    signal.removeEventListener('abort', leave);
    await flush();
  }
}

/** Looks for requests, which are lines of a file, and for a later attempt. */
function steer(attempt: string, session: TrainerSession, fail: (error: unknown) => void): NodeJS.Timeout {
  let done = 0;
  const look = (): void => {
    refuseReplaced(attempt);
    const asked = readControls(attempt);
    for (const control of asked.slice(done)) apply(session, control);
    done = asked.length;
  };
  return setInterval(() => {
    try {
      look();
    } catch (error) {
      fail(error);
    }
  }, CONTROL_MS);
}

function refuseReplaced(attempt: string): void {
  if (isReplaced(attempt)) throw new NextvecError('CONFLICT', 'A later attempt has taken the place of this one.');
}

function apply(session: TrainerSession, control: Control): void {
  if (control.call === 'pause') session.pause();
  else if (control.call === 'resume') void session.resume();
  else session.stop(control.at, control.reason);
}
