/**
 * Starts data workers: a standing one for short calls, and one for each long job, a few at a time. One whose job has ended
 * well is kept for the next job. Beside a window the standing one and that of the next job are started ahead.
 */
import { totalmem } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { NextvecError } from '#shared/domain/errors.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { fromWireError } from '../wire/errors.ts';
import { nodePort } from '../wire/node-port.ts';
import { quietTensorflow } from './engine-host.ts';
import { notAnswering, watchSilence } from './silence.ts';
import { Slots } from './slots.ts';
import type { workerContract } from './worker-contract.ts';
import { withWorkerFaults } from './worker-fault.ts';

export type WorkerClient = ContractRouterClient<typeof workerContract>;

interface DataWorker {
  readonly client: WorkerClient;
  /** `listener`: called when the thread has ended. */
  onGone(listener: () => void): void;
  /** Ends the worker; calls under way fail with `error`. */
  fail(error: NextvecError): void;
  terminate(): Promise<void>;
}

/** A worker that needs more heap ends alone; without a limit the process ends with it. Typed arrays do not count. */
const HEAP_MB = Math.max(2048, Math.floor(totalmem() / 2 ** 20 / 4));

function startWorker(entry: string, heapMb: number): DataWorker {
  const { port1, port2 } = new MessageChannel();
  quietTensorflow();
  const resourceLimits = { maxOldGenerationSizeMb: heapMb };
  const worker = new Worker(entry, { workerData: { port: port2 }, transferList: [port2], resourceLimits });
  let thrown: unknown = null;
  let isOver = false;
  // A worker that fails to start or runs out of memory closes its port, which fails the calls under way.
  worker.on('error', (error) => {
    thrown = error;
    port1.close();
  });
  const fault = new Promise<unknown>((resolve) => {
    worker.on('exit', () => {
      port1.close();
      resolve(thrown);
    });
  });
  // Before the link's own listener, which rejects the calls.
  port1.on('close', () => (isOver = true));
  const link = new RPCLink({ port: nodePort(port1), customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  return {
    client: createORPCClient(withWorkerFaults(link, { heapMb, isOver: () => isOver, fault })),
    onGone: (listener) => void worker.once('exit', listener),
    fail(error) {
      thrown = error;
      port1.close();
      void worker.terminate();
    },
    async terminate() {
      port1.close();
      await worker.terminate();
    },
  };
}

export interface LeasedWorker {
  readonly client: WorkerClient;
  /** Ends the worker and lets the next one begin. Nothing is left to end after `giveBack`. */
  release(): Promise<void>;
  /** The job has ended well: lets the next one begin, and keeps the worker for it unless one waits already. */
  giveBack(): void;
}

/** Long jobs at a time; an import or an evaluation takes a core and up to some hundred MB. */
const MOST_WORKERS = 3;
/** Files described at a time, beside the long jobs. */
const MOST_READERS = 3;
/** A reader that does not answer for so long is ended. The longest synchronous step of an import of 4 million chunks takes 1.5 s. */
const SILENCE_MS = 120_000;

/** A worker that has served a job waits so long for another; then the memory it has taken is free again. */
const KEPT_MS = 10_000;

interface WorkerLimits {
  readonly heapMb?: number;
  readonly silenceMs?: number;
}

export class WorkerPool {
  private readonly entry: string;
  private readonly heapMb: number;
  private readonly silenceMs: number;
  private standing: DataWorker | null = null;
  /** For the next job. */
  private spare: DataWorker | null = null;
  /** Ends the spare worker where it has served a job. */
  private spareEnd: NodeJS.Timeout | undefined;
  /** Workers of jobs, with what ends their job here. */
  private readonly jobs = new Map<DataWorker, () => void>();
  private readonly slots = new Slots(MOST_WORKERS);
  private readonly readers = new Slots(MOST_READERS);
  private aheadMs: number | null = null;
  private ahead: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(entry: string, { heapMb = HEAP_MB, silenceMs = SILENCE_MS }: WorkerLimits = {}) {
    this.entry = entry;
    this.heapMb = heapMb;
    this.silenceMs = silenceMs;
  }

  /** From now on keeps a standing worker and one for the next job, started `ms` from now and `ms` after one has ended. */
  startAhead(ms: number): void {
    this.aheadMs = ms;
    this.startAheadSoon();
  }

  private startAheadSoon(): void {
    if (this.aheadMs === null || this.isClosed) return;
    clearTimeout(this.ahead);
    this.ahead = setTimeout(() => {
      void this.client;
      this.spare ??= this.startWorker();
    }, this.aheadMs).unref();
  }

  private startWorker(): DataWorker {
    const worker = startWorker(this.entry, this.heapMb);
    worker.onGone(() => {
      const isStanding = this.standing === worker;
      if (isStanding) this.standing = null;
      if (this.spare === worker) this.spare = null;
      this.jobs.get(worker)?.();
      if (!isStanding) this.startAheadSoon();
    });
    return worker;
  }

  /** The spare worker, or a new one. */
  private takeWorker(): DataWorker {
    const worker = this.spare ?? this.startWorker();
    this.spare = null;
    clearTimeout(this.spareEnd);
    return worker;
  }

  /** The standing worker, for calls of about a second. Throws CANCELLED once the pool is closed. */
  get client(): WorkerClient {
    if (this.isClosed) throw poolClosed();
    this.standing ??= this.takeWorker();
    return this.standing.client;
  }

  /**
   * A worker for one long job, once a slot is free. Throws CANCELLED when `signal` aborts or the pool closes first. With
   * `file`, the file it reads, a worker that falls silent is ended and its calls fail with ARCHIVE_DAMAGED.
   */
  async lease(signal?: AbortSignal, file?: string): Promise<LeasedWorker> {
    return this.start(await this.slots.take(signal), file);
  }

  private start(leave: () => void, file?: string): LeasedWorker {
    if (this.isClosed) {
      leave();
      throw poolClosed();
    }
    const worker = this.takeWorker();
    const { silenceMs } = this;
    const alive = (): Promise<void> => worker.client.alive();
    const stopWatching =
      file === undefined ? null : watchSilence(alive, silenceMs, () => worker.fail(notAnswering(file, silenceMs)));
    const end = (): void => {
      stopWatching?.();
      this.jobs.delete(worker);
      leave();
    };
    this.jobs.set(worker, end);
    const isUnderWay = (): boolean => this.jobs.get(worker) === end;
    return {
      client: worker.client,
      release: async () => {
        if (isUnderWay()) await worker.terminate();
      },
      giveBack: () => {
        if (!isUnderWay()) return;
        end();
        this.keep(worker);
      },
    };
  }

  /** Unless there is a spare worker already. */
  private keep(worker: DataWorker): void {
    if (this.spare !== null || this.isClosed) {
      void worker.terminate();
      return;
    }
    this.spare = worker;
    this.spareEnd = setTimeout(() => {
      this.spare = null;
      void worker.terminate();
    }, KEPT_MS).unref();
  }

  /** One call in a worker of its own. Throws the errors of the contract. */
  async once<R>(call: (client: WorkerClient) => Promise<R>): Promise<R> {
    return useOnce(await this.lease(), call);
  }

  /** One short call that reads `file`, in a worker of its own that is watched like that of `lease`. */
  async read<R>(file: string, call: (client: WorkerClient) => Promise<R>, signal?: AbortSignal): Promise<R> {
    return useOnce(this.start(await this.readers.take(signal), file), call);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.ahead);
    clearTimeout(this.spareEnd);
    const all = [...this.jobs.keys(), this.standing, this.spare].filter((worker) => worker !== null);
    await Promise.all(all.map((worker) => worker.terminate()));
  }
}

function poolClosed(): NextvecError {
  return new NextvecError('CANCELLED', 'Nextvec was closed before the work began.');
}

async function useOnce<R>(worker: LeasedWorker, call: (client: WorkerClient) => Promise<R>): Promise<R> {
  try {
    const result = await call(worker.client);
    worker.giveBack();
    return result;
  } catch (error) {
    throw fromWireError(error);
  } finally {
    await worker.release();
  }
}
