/**
 * A trainer in this process, over a port with the same calls and events: for tests of what comes of a run and not of the
 * process that trains it. A killed one writes no checkpoint any more, and stops at its next.
 */
import { MessageChannel } from 'node:worker_threads';
import type { SpawnTrainer } from '../../src/main/processes/trainer-process.ts';
import { serveTrainer } from '../../src/main/trainer/serve.ts';
import { nodePort } from '../../src/main/wire/node-port.ts';

export const trainerHere: SpawnTrainer = () => {
  const { port1: own, port2: owners } = new MessageChannel();
  serveTrainer(nodePort(own));
  return {
    pid: undefined,
    port: nodePort(owners),
    kill: () => own.close(),
    onExit: (listener) => void owners.once('close', () => listener({ code: null, signal: 'SIGKILL', stderrTail: '' })),
  };
};
