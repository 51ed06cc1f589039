/**
 * MessageChannelMain, and ports that were transferred to a page: there a real MessagePort of the preload's world is
 * the other end, and messages cross over a CDP binding as text. Carries strings and bytes, which is all oRPC sends.
 */
import { EventEmitter } from 'node:events';

/** How a message crosses CDP. */
export type WireData = { readonly text: string } | { readonly base64: string };

export function toWire(data: unknown): WireData {
  if (typeof data === 'string') return { text: data };
  if (data instanceof Uint8Array) return { base64: Buffer.from(data).toString('base64') };
  throw new TypeError(`The stand-in's ports carry strings and bytes, not ${typeof data}.`);
}

export function fromWire(data: WireData): string | Uint8Array {
  return 'text' in data ? data.text : new Uint8Array(Buffer.from(data.base64, 'base64'));
}

export class MessagePortMain extends EventEmitter {
  /** Set by the channel. */
  peer: MessagePortMain | null = null;
  #started = false;
  #closed = false;
  #waiting: unknown[] = [];

  postMessage(data: unknown): void {
    const clone: unknown = structuredClone(data);
    queueMicrotask(() => this.peer?.receive(clone));
  }

  receive(data: unknown): void {
    if (this.#closed) return;
    if (this.#started) this.emit('message', { data, ports: [] });
    else this.#waiting.push(data);
  }

  start(): void {
    this.#started = true;
    for (const data of this.#waiting.splice(0)) this.receive(data);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.emit('close');
    this.peer?.close();
  }
}

export class MessageChannelMain {
  readonly port1 = new MessagePortMain();
  readonly port2 = new MessagePortMain();

  constructor() {
    this.port1.peer = this.port2;
    this.port2.peer = this.port1;
  }
}
