/**
 * WebSockets of the pages: only whole requests get through, a page that does not read its answers is not read either,
 * and connections whose other end is gone are closed.
 */
import type { RPCHandler } from '@orpc/server/websocket';
import type { WebSocket, WebSocketServer } from 'ws';
import { CallLimit, type CallContext } from '../../wire/call-limit.ts';
import { isRequestMessage } from '../../wire/guarded-port.ts';

/** Answers a page has not taken yet, bytes; beyond that no further request of it is read. */
const MOST_BUFFERED_BYTES = 4 * 2 ** 20;

/** Sockets that have answered a ping or taken an answer since they were pinged last. */
const alive = new WeakSet<WebSocket>();

/** Resolves when the message has left this process, or its socket has closed. */
function send(socket: WebSocket, message: Parameters<WebSocket['send']>[0]): Promise<void> {
  return new Promise((resolve) => {
    socket.send(message, (error) => {
      if (!error) alive.add(socket);
      if (socket.isPaused && socket.bufferedAmount <= MOST_BUFFERED_BYTES) socket.resume();
      resolve();
    });
    if (socket.bufferedAmount > MOST_BUFFERED_BYTES) socket.pause();
  });
}

/** Answers the calls of one socket. A stream sends its next event when the one before has left. */
export function serveSocket(socket: WebSocket, rpc: RPCHandler<CallContext>): void {
  const context: CallContext = { calls: new CallLimit() };
  const peer: Parameters<typeof rpc.message>[0] = {
    send: (message) => send(socket, message),
    addEventListener: () => undefined,
  };
  alive.add(socket);
  socket.on('pong', () => alive.add(socket));
  // A page that breaks the protocol loses its own connection, nothing else.
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    const text = !isBinary && Buffer.isBuffer(data) ? data.toString('utf8') : data;
    if (!isRequestMessage(text)) return;
    rpc.message(peer, text, { context }).catch((error: unknown) => console.error(error));
  });
  socket.on('close', () => rpc.close(peer));
}

/** Pings every socket each `everyMs` and terminates those silent since the ping before. Returns a function that stops it. */
export function terminateDeadSockets(sockets: WebSocketServer, everyMs: number): () => void {
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (alive.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }, everyMs).unref();
  return () => clearInterval(timer);
}
