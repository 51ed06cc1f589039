/** Menu commands of the host, published to every window. */
import { EventPublisher } from '@orpc/server';

interface Command {
  readonly command: string;
  readonly path: string | null;
}

export class CommandBus extends EventPublisher<{ command: Command }> {}
