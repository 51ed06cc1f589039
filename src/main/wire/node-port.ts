/** A MessagePort of worker_threads as oRPC takes Electron's ports. */
import type { MessagePort } from 'node:worker_threads';
import type { MessagePortMainLike } from '@orpc/client/message-port';

/**
 * oRPC would add browser listeners to `port`, and for an event object Node loads its web APIs: 30 ms of CPU in each thread.
 * Listening starts the port.
 */
export function nodePort(port: MessagePort): MessagePortMainLike {
  return {
    on: (event, callback) => void port.on(event, (data: unknown) => callback({ data })),
    postMessage: (data) => port.postMessage(data),
  };
}
