/** The line of a trainer process to its owner: Electron's parentPort or a forked child's channel, as one shape. */
import { EventEmitter } from 'node:events';
import type { MessagePortMainLike } from '@orpc/client/message-port';

interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(data: unknown): void;
}

/** Opens the line; `onOwnerGone` is called when the owner has ended, also by a kill. */
export function ownerPort(onOwnerGone: () => void): MessagePortMainLike {
  const { parentPort } = process as unknown as { parentPort?: ParentPort };
  const events = new EventEmitter();
  const on: MessagePortMainLike['on'] = (event, callback) => void events.on(event, callback);
  if (parentPort) {
    // Electron ends a utility process with its app; there is nothing to watch for.
    parentPort.on('message', ({ data }) => events.emit('message', { data }));
    return { on, postMessage: (data) => parentPort.postMessage(data) };
  }
  process.on('message', (data) => events.emit('message', { data }));
  process.on('disconnect', onOwnerGone);
  return {
    on,
    postMessage: (data) => {
      if (process.connected) process.send?.(data, undefined, undefined, () => undefined);
    },
  };
}
