/**
 * The trainer process: answers `trainerContract` over its owner's port until the owner kills it or ends. Entry of trainer.js.
 */
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { trainerContract } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { toWireError } from '../wire/errors.ts';
import { withoutForms } from '../wire/forms.ts';
import { eventStream } from '../wire/stream.ts';
import { measureRecipe } from './measure.ts';
import { setNiceness } from './niceness.ts';
import { ownerPort } from './port.ts';
import { TrainerSession } from './session.ts';

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

// The window and main have priority over the trainer. The last argument is its niceness.
setNiceness(Number(process.argv.at(-1)));
// Ctrl-C and the end of a terminal reach every process in it; the owner decides what becomes of the run.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
withoutForms();
const port = ownerPort(() => process.exit(0));
new RPCHandler(router, { customJsonSerializers: TYPED_ARRAY_SERIALIZERS }).upgrade(port);
