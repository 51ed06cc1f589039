/** A data worker that takes memory without end: in a call, or after the first event of a stream. */
import { workerData, type MessagePort } from 'node:worker_threads';
import { eventIterator, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { z } from 'zod';

function takeMemory(): never {
  const taken: unknown[] = [];
  for (;;) taken.push(Array.from({ length: 1000 }, (_, i) => ({ i })));
}

const router = {
  checkStored: os.handler(() => takeMemory()),
  importFile: os.output(eventIterator(z.unknown())).handler(async function* () {
    yield { type: 'progress', phase: 'reading', fraction: 0.5, etaMs: null };
    takeMemory();
  }),
};

const { port } = workerData as { port: MessagePort };
new RPCHandler(router).upgrade(port);
port.start();
