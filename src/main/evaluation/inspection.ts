/**
 * Inspection of single windows. A data worker keeps the checkpoint of the last run open, since reading and proving it
 * takes seconds and a window milliseconds. At most one such worker; it ends when idle or when another run is inspected.
 */
import type { EvaluationPart } from '#shared/contract/evaluation.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import type { Inspection, WindowPick } from '#shared/domain/evaluation/inspection.ts';
import { requireRun } from '../store/runs.ts';
import { fromWireError } from '../wire/errors.ts';
import type { LeasedWorker } from '../processes/worker-pool.ts';
import type { EvaluationContext } from './context.ts';
import { evaluateJob } from './service.ts';

const IDLE_MS = 60_000;

interface Session {
  readonly key: string;
  readonly worker: Promise<LeasedWorker>;
  /** Calls under way; the idle timer runs only at 0. */
  calls: number;
  idle: NodeJS.Timeout | null;
}

export class WindowInspector {
  private readonly context: EvaluationContext;
  private open: Session | null = null;

  constructor(context: EvaluationContext) {
    this.context = context;
  }

  /** One window of a data set through the run's best checkpoint. */
  async inspect(
    handle: string,
    { datasetId, part, pick }: { datasetId: string; part?: EvaluationPart; pick: WindowPick },
  ): Promise<Inspection> {
    const row = requireRun(this.context.home.db, handle);
    const job = evaluateJob(this.context, row, datasetId, part);
    // A run that goes on may write a better checkpoint; `best_json` then changes the key.
    const session = this.sessionFor(JSON.stringify([row.id, datasetId, job.data.part, row.best_json]));
    if (session.idle) clearTimeout(session.idle);
    session.calls++;
    try {
      const { client } = await session.worker;
      return await client.inspect({ job, pick });
    } catch (error) {
      // A checkpoint that could not be opened is not kept; a window that does not exist leaves it open.
      const shown = fromWireError(error);
      if (!isNextvecError(shown) || shown.code !== 'BAD_INPUT') await this.end(session);
      throw shown;
    } finally {
      session.calls--;
      if (session.calls === 0 && this.open === session) {
        session.idle = setTimeout(() => void this.end(session), IDLE_MS).unref();
      }
    }
  }

  private sessionFor(key: string): Session {
    const previous = this.open;
    if (previous?.key === key) return previous;
    const session: Session = { key, worker: this.workerAfter(previous), calls: 0, idle: null };
    this.open = session;
    return session;
  }

  private async workerAfter(previous: Session | null): Promise<LeasedWorker> {
    if (previous) await this.end(previous);
    return this.context.workers.lease();
  }

  private async end(session: Session): Promise<void> {
    if (this.open === session) this.open = null;
    if (session.idle) clearTimeout(session.idle);
    const worker = await session.worker.catch(() => null);
    await worker?.release();
  }
}
