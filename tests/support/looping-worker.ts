/** A data worker that loops for ever: at once in `describe`, after the first event in an import. */
import { mkdirSync } from 'node:fs';
import { workerData, type MessagePort } from 'node:worker_threads';
import { eventIterator, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { z } from 'zod';

function loop(): never {
  for (;;);
}

const router = {
  alive: os.handler(() => undefined),
  describe: os.handler(loop),
  importFile: os
    .input(z.object({ folder: z.string() }))
    .output(eventIterator(z.unknown()))
    .handler(async function* ({ input }) {
      mkdirSync(`${input.folder}.importing-1`);
      yield { type: 'progress', phase: 'reading', fraction: 0.5, etaMs: null };
      loop();
    }),
};

const { port } = workerData as { port: MessagePort };
new RPCHandler(router).upgrade(port);
port.start();
