/** Starts data workers: one that stays for short questions, one of its own for each import. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { fromWireError } from '../wire/errors.ts';
import type { workerContract } from './worker-contract.ts';

export type WorkerClient = ContractRouterClient<typeof workerContract>;

interface DataWorker {
  readonly client: WorkerClient;
  terminate(): Promise<void>;
}

/** A worker that needs more ends alone; without a limit the process ends with it. Typed arrays do not count. */
const LIMITS = { maxOldGenerationSizeMb: 2048 };

function startWorker(entry: string, onGone: () => void): DataWorker {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(entry, { workerData: { port: port2 }, transferList: [port2], resourceLimits: LIMITS });
  // A worker that fails to start or runs out of memory closes its port, which fails the calls under way.
  worker.on('error', () => port1.close());
  worker.on('exit', () => {
    port1.close();
    onGone();
  });
  const client: WorkerClient = createORPCClient(
    new RPCLink({ port: port1, customJsonSerializers: TYPED_ARRAY_SERIALIZERS }),
  );
  port1.start();
  return {
    client,
    async terminate() {
      port1.close();
      await worker.terminate();
    },
  };
}

export class WorkerPool {
  private readonly entry: string;
  private standing: DataWorker | null = null;
  private readonly single = new Set<DataWorker>();
  private warmUp: NodeJS.Timeout | undefined;

  constructor(entry: string) {
    this.entry = entry;
  }

  /** Starts the standing worker after `ms`, so that the first question need not wait for it. */
  startSoon(ms: number): void {
    this.warmUp = setTimeout(() => void this.client, ms).unref();
  }

  /** The standing worker, for questions that take a second or so. */
  get client(): WorkerClient {
    this.standing ??= startWorker(this.entry, () => {
      this.standing = null;
    });
    return this.standing.client;
  }

  /** A worker for one long piece of work; `release` ends it. */
  startSingle(): { client: WorkerClient; release: () => Promise<void> } {
    const worker = startWorker(this.entry, () => this.single.delete(worker));
    this.single.add(worker);
    return { client: worker.client, release: () => worker.terminate() };
  }

  /** One call in a worker of its own, which ends with it; what it throws is what the contract knows. */
  async once<R>(call: (client: WorkerClient) => Promise<R>): Promise<R> {
    const worker = this.startSingle();
    try {
      return await call(worker.client);
    } catch (error) {
      throw fromWireError(error);
    } finally {
      await worker.release();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.warmUp);
    const all = [...this.single, ...(this.standing === null ? [] : [this.standing])];
    await Promise.all(all.map((worker) => worker.terminate()));
  }
}
