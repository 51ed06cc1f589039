/** Answers `trainerContract` over a port with the one run of a trainer. Not here: the process around it (`entry.ts`). */
import type { MessagePortMainLike } from '@orpc/client/message-port';
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { trainerContract } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { toWireError } from '../wire/errors.ts';
import { eventStream } from '../wire/stream.ts';
import { measureRecipe } from './measure.ts';
import { TrainerSession } from './session.ts';

export function serveTrainer(port: MessagePortMainLike): void {
  let session: TrainerSession | null = null;

  function current(): TrainerSession {
    if (session !== null) return session;
    throw new NextvecError('CONFLICT', 'This trainer has no run yet.');
  }

  const procedures = implement(trainerContract).use(async ({ next }) => {
    try {
      return await next();
    } catch (error) {
      throw toWireError(error);
    }
  });

  const router = procedures.router({
    start: procedures.start.handler(({ input }) => {
      if (session !== null) throw new NextvecError('CONFLICT', 'This trainer has its run already.');
      const started = new TrainerSession(input);
      session = started;
      void started.run();
      return eventStream(() => started.events.read());
    }),
    alive: procedures.alive.handler(() => undefined),
    measure: procedures.measure.handler(async ({ input }) => ({ rowsPerSecond: await measureRecipe(input) })),
    setThreads: procedures.setThreads.handler(({ input }) => current().setThreads(input.threads)),
    stored: procedures.stored.handler(({ input }) => current().stored(input.ticket)),
    pause: procedures.pause.handler(() => current().pause()),
    resume: procedures.resume.handler(() => current().resume()),
    stop: procedures.stop.handler(({ input }) => current().stop(input.at, input.reason)),
  });
  new RPCHandler(router, { customJsonSerializers: TYPED_ARRAY_SERIALIZERS }).upgrade(port);
}
