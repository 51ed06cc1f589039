/**
 * Starts data workers: a standing one for short calls, and one for each long job, a few at a time.
 */
import { totalmem } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { NextvecError } from '#shared/domain/errors.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { fromWireError } from '../wire/errors.ts';
import { quietTensorflow } from './engine-host.ts';
import { Slots } from './slots.ts';
import type { workerContract } from './worker-contract.ts';
import { withWorkerFaults } from './worker-fault.ts';

export type WorkerClient = ContractRouterClient<typeof workerContract>;

interface DataWorker {
  readonly client: WorkerClient;
  terminate(): Promise<void>;
}

/** A worker that needs more heap ends alone; without a limit the process ends with it. Typed arrays do not count. */
const HEAP_MB = Math.max(2048, Math.floor(totalmem() / 2 ** 20 / 4));

function startWorker(entry: string, heapMb: number, onGone: () => void): DataWorker {
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
      onGone();
      resolve(thrown);
    });
  });
  // Before the link's own listener, which rejects the calls.
  port1.on('close', () => (isOver = true));
  const link = new RPCLink({ port: port1, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  port1.start();
  return {
    client: createORPCClient(withWorkerFaults(link, { heapMb, isOver: () => isOver, fault })),
    async terminate() {
      port1.close();
      await worker.terminate();
    },
  };
}

export interface LeasedWorker {
  readonly client: WorkerClient;
  /** Ends the worker and lets the next one begin. */
  release(): Promise<void>;
}

/** Long jobs at a time; an import or an evaluation takes a core and up to some hundred MB. */
const MOST_WORKERS = 3;

export class WorkerPool {
  private readonly entry: string;
  private readonly heapMb: number;
  private standing: DataWorker | null = null;
  private readonly single = new Set<DataWorker>();
  private readonly slots = new Slots(MOST_WORKERS);
  private warmUp: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(entry: string, heapMb = HEAP_MB) {
    this.entry = entry;
    this.heapMb = heapMb;
  }

  /** Starts the standing worker after `ms`, so that the first call need not wait for it. */
  startSoon(ms: number): void {
    this.warmUp = setTimeout(() => void this.client, ms).unref();
  }

  /** The standing worker, for calls of about a second. */
  get client(): WorkerClient {
    this.standing ??= startWorker(this.entry, this.heapMb, () => {
      this.standing = null;
    });
    return this.standing.client;
  }

  /** A worker for one long job, once a slot is free. Throws CANCELLED when `signal` aborts or the pool closes first. */
  async lease(signal?: AbortSignal): Promise<LeasedWorker> {
    const leave = await this.slots.take(signal);
    if (this.isClosed) {
      leave();
      throw new NextvecError('CANCELLED', 'Nextvec was closed before the work began.');
    }
    const worker = startWorker(this.entry, this.heapMb, () => {
      this.single.delete(worker);
      leave();
    });
    this.single.add(worker);
    return { client: worker.client, release: () => worker.terminate() };
  }

  /** One call in a worker of its own, which ends with it. Throws the errors of the contract. */
  async once<R>(call: (client: WorkerClient) => Promise<R>): Promise<R> {
    const worker = await this.lease();
    try {
      return await call(worker.client);
    } catch (error) {
      throw fromWireError(error);
    } finally {
      await worker.release();
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.warmUp);
    const all = [...this.single, ...(this.standing === null ? [] : [this.standing])];
    await Promise.all(all.map((worker) => worker.terminate()));
  }
}
