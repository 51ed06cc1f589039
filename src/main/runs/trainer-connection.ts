/** A trainer process and the typed calls to it. Not here: what its events mean (`live-run.ts`). */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { trainerContract } from '#shared/contract/trainer.ts';
import { MORE_MEMORY } from '#shared/domain/errors.ts';
import type { SpawnTrainer, TrainerExit, TrainerProcess } from '../processes/trainer-process.ts';

export class TrainerConnection {
  readonly client: ContractRouterClient<typeof trainerContract>;
  /** Resolves when the process is gone. */
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

  /** Resolves when the process is gone, or with null after `ms`. */
  exitWithin(ms: number): Promise<TrainerExit | null> {
    return Promise.race([this.exited, delay(ms)]);
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
