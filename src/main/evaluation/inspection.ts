/**
 * Windows looked at one after the other: a worker keeps the checkpoint of the last run open, because reading and proving
 * it costs seconds and a window milliseconds. One at a time; it ends when it is idle or another run is asked for.
 */
import type { EvaluationPart } from '#shared/contract/evaluation.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import type { Inspection, WindowPick } from '#shared/domain/evaluation/inspection.ts';
import type { Services } from '../rpc/context.ts';
import { fromWireError } from '../wire/errors.ts';
import type { WorkerClient } from '../worker/pool.ts';
import { evaluateJob } from './service.ts';

const IDLE_MS = 60_000;

interface Session {
  readonly key: string;
  readonly worker: { client: WorkerClient; release: () => Promise<void> };
  /** Calls under way; an idle one ends. */
  calls: number;
  idle: NodeJS.Timeout | null;
}

const open = new WeakMap<Services, Session>();

async function end(services: Services, session: Session): Promise<void> {
  if (open.get(services) === session) open.delete(services);
  if (session.idle) clearTimeout(session.idle);
  await session.worker.release();
}

async function sessionFor(services: Services, key: string): Promise<Session> {
  const known = open.get(services);
  if (known?.key === key) return known;
  const session: Session = { key, worker: services.workers.startSingle(), calls: 0, idle: null };
  open.set(services, session);
  if (known) await end(services, known);
  return session;
}

export async function inspectWindow(
  services: Services,
  handle: string,
  datasetId: string,
  part: EvaluationPart | undefined,
  pick: WindowPick,
): Promise<Inspection> {
  const row = services.runs.row(handle);
  const job = evaluateJob(services, row, datasetId, part);
  // A run that goes on writes a better checkpoint; that is another one to open.
  const session = await sessionFor(services, JSON.stringify([row.id, datasetId, job.data.part, row.best_json]));
  if (session.idle) clearTimeout(session.idle);
  session.calls++;
  try {
    return await session.worker.client.inspect({ job, pick });
  } catch (error) {
    // What could not be opened is not kept; a window that is not there leaves it open.
    const shown = fromWireError(error);
    if (!isNextvecError(shown) || shown.code !== 'BAD_INPUT') await end(services, session);
    throw shown;
  } finally {
    session.calls--;
    if (session.calls === 0 && open.get(services) === session) {
      session.idle = setTimeout(() => void end(services, session), IDLE_MS).unref();
    }
  }
}
