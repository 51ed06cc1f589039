/** A trainer and the typed calls to it; here one that is a process of this machine. Not here: what its events mean (`live-run.ts`). */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { trainerContract, TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { MORE_MEMORY } from '#shared/domain/errors.ts';
import type { SpawnTrainer, TrainerExit, TrainerProcess } from '../../processes/trainer-process.ts';
import type { RunChanges } from '../../store/runs.ts';

type Calls = ContractRouterClient<typeof trainerContract>;

/** A trainer as its run sees it, wherever it trains. */
export interface TrainerLink {
  readonly client: {
    start(job: TrainerJob): Promise<AsyncIterable<TrainerEvent>>;
    alive(): Promise<unknown>;
    stored(input: { ticket: number }): Promise<unknown>;
    setThreads(input: { threads: number }): Promise<unknown>;
    pause(): Promise<unknown>;
    resume(): Promise<unknown>;
    stop(input: { at: 'now' | 'epoch-end'; reason: string }): Promise<unknown>;
  };
  /** Resolves when the trainer is gone. */
  readonly exited: Promise<TrainerExit>;
  kill(): void;
  /** Columns of the run's row that are stored with the event given last. */
  changes?(): RunChanges;
  /** Lets it train on unfollowed. Absent: it ends with this program. */
  detach?(): void;
}

export class TrainerConnection implements TrainerLink {
  readonly client: Calls;
  readonly exited: Promise<TrainerExit>;
  private readonly process: TrainerProcess;

  constructor(spawn: SpawnTrainer) {
    this.process = spawn();
    this.exited = new Promise((resolve) => {
      this.process.onExit(resolve);
    });
    const link = new RPCLink({ port: this.process.port, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
    this.client = createORPCClient(link);
  }

  kill(): void {
    this.process.kill();
  }
}

/** How a trainer ended, as a sentence; null: it has not ended. */
export function describeExit(exit: TrainerExit | null): string {
  if (exit === null) return 'The trainer stopped answering.';
  if (exit.stderrTail.includes('heap out of memory')) return `The trainer process ran out of memory. ${MORE_MEMORY}`;
  if (exit.signal === 'SIGKILL') return 'The trainer process was killed, perhaps because memory ran out.';
  if (exit.signal !== null) return `The trainer process was ended by ${exit.signal}.`;
  return `The trainer process ended with code ${exit.code}.`;
}

/** Does not keep this process alive. */
export function delay(ms: number): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, null).unref();
  });
}
