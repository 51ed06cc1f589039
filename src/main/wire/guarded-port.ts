/**
 * A port that lets only well-formed requests of a page through. Without it oRPC leaves decoding errors uncaught on a
 * port, and takes a message without an id as the end of every call on that port. Not here: the inputs of each call
 * (contract), and who may connect (the hosts).
 */
import type { MessagePortMainLike } from '@orpc/client/message-port';

const MAX_MESSAGE_CHARACTERS = 16 * 2 ** 20;
/** oRPC's message types that our pages send: a request (the type may be absent) and its abort. */
const REQUEST = 1;
const ABORT = 4;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Our pages post requests to a path, without headers: no input of the contract is a file or a stream. */
function isCall(payload: unknown): boolean {
  if (!isObject(payload) || typeof payload.u !== 'string' || !payload.u.startsWith('/')) return false;
  return payload.h === undefined && payload.m === undefined && URL.canParse(payload.u, 'http://page');
}

export function isRequestMessage(data: unknown): data is string {
  if (typeof data !== 'string' || data.length > MAX_MESSAGE_CHARACTERS) return false;
  try {
    const message: unknown = JSON.parse(data);
    if (!isObject(message) || typeof message.i !== 'string') return false;
    return message.t === ABORT || ((message.t ?? REQUEST) === REQUEST && isCall(message.p));
  } catch {
    return false;
  }
}

/** Wraps `port`; messages that are not requests are dropped without an answer. */
export function guardedPort(port: MessagePortMainLike): MessagePortMainLike {
  return {
    postMessage: (message) => port.postMessage(message),
    on: (event, callback) => {
      if (event !== 'message') return port.on(event, callback);
      return port.on('message', (message) => {
        if (isRequestMessage(message?.data)) callback(message);
      });
    },
  };
}
