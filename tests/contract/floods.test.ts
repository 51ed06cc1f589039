/** Many calls at once over the WebSocket of the Node host: heavy work waits its turn, other pages are answered. */
import { EventEmitter, once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createORPCClient, ORPCError } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { eventIterator, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/websocket';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { NextvecClient } from '#shared/contract/index.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { servePage, type PageServer } from '../../src/main/hosts/node/serve.ts';
import { serveSocket } from '../../src/main/hosts/node/sockets.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';
import type { CallContext } from '../../src/main/wire/call-limit.ts';
import { testHome, type TestHome } from '../support/nextvec.ts';

vi.setConfig({ testTimeout: 60_000 });

/** As `CallLimit` and `servePage` have them. */
const MOST_CALLS = 256;
const MOST_SOCKETS = 32;
const MOST_WORKERS = 3;

let home: TestHome;
let nextvec: Nextvec;
let server: PageServer;
const sockets: WebSocket[] = [];
let workersStarted = 0;
const countWorker = (): void => void workersStarted++;

beforeEach(async () => {
  home = await testHome();
  // A data worker that never answers.
  const dataWorker = join(home.path, 'worker.mjs');
  await writeFile(dataWorker, 'setInterval(() => {}, 1000);');
  nextvec = await home.open({ entries: { trainer: dataWorker, dataWorker } });
  server = await servePage({ nextvec, rendererDir: home.path, port: 0 });
  workersStarted = 0;
  process.on('worker', countWorker);
});
afterEach(async () => {
  process.off('worker', countWorker);
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
  await home.dispose();
});

function open(options: { readonly autoPong?: boolean } = {}): WebSocket {
  const { origin, host, hash } = new URL(server.url);
  const socket = new WebSocket(`ws://${host}/rpc`, ['nextvec', hash.slice('#token='.length)], { origin, ...options });
  sockets.push(socket);
  socket.on('error', () => undefined);
  return socket;
}

async function connect(): Promise<NextvecClient> {
  const socket = open();
  await once(socket, 'open');
  const websocket = socket as unknown as globalThis.WebSocket;
  return createORPCClient(new RPCLink({ websocket, customJsonSerializers: TYPED_ARRAY_SERIALIZERS }));
}

function codeOf(error: unknown): string {
  return error instanceof ORPCError ? (error.data as { code: string }).code : String(error);
}

test('of 300 imports at once three run, the next ones wait, the others are refused with TOO_MANY', async () => {
  const [flooding, other] = [await connect(), await connect()];
  const abort = new AbortController();
  const outcomes: string[] = [];
  const imports = Array.from({ length: 300 }, async () => {
    try {
      const events = await flooding.datasets.import({ path: join(home.path, 'x.npz') }, { signal: abort.signal });
      for await (const _ of events);
    } catch (error) {
      outcomes.push(codeOf(error));
    }
  });
  await expect.poll(() => outcomes).toHaveLength(300 - MOST_CALLS);
  expect(new Set(outcomes)).toEqual(new Set(['TOO_MANY']));
  expect(await other.datasets.list()).toEqual([]);
  expect(workersStarted).toBe(MOST_WORKERS);
  abort.abort();
  await Promise.all(imports);
  // All of them have ended, so that there is room again.
  await expect.poll(() => flooding.datasets.list()).toEqual([]);
});

test('streams that have ended no longer count', async () => {
  const client = await connect();
  for (let i = 0; i < MOST_CALLS + 10; i++) {
    const stream = await client.plans.watch();
    await stream.next();
    await stream.return(undefined);
  }
  expect(await client.datasets.list()).toEqual([]);
});

test('a socket that answers no ping is closed, others stay open', async () => {
  await server.close();
  server = await servePage({ nextvec, rendererDir: home.path, port: 0, pingEveryMs: 300 });
  const dead = open({ autoPong: false });
  const client = await connect();
  await once(dead, 'close');
  expect(await client.datasets.list()).toEqual([]);
});

test('of two pages without a given port, the second takes a free one', async () => {
  const first = await servePage({ nextvec, rendererDir: home.path, port: null });
  const second = await servePage({ nextvec, rendererDir: home.path, port: null });
  expect(second.port).not.toBe(first.port);
  expect((await fetch(second.url)).status).toBe((await fetch(first.url)).status);
  await Promise.all([first.close(), second.close()]);
});

test('pages beyond the limit are refused with 503', async () => {
  await Promise.all(Array.from({ length: MOST_SOCKETS }, () => once(open(), 'open')));
  const [, response] = (await once(open(), 'unexpected-response')) as [unknown, { statusCode: number }];
  expect(response.statusCode).toBe(503);
});

/** A socket whose messages leave when the test says so. */
class SlowSocket extends EventEmitter {
  bufferedAmount = 0;
  isPaused = false;
  readonly unsent: (() => void)[] = [];
  sent = 0;

  send(message: string, done: () => void): void {
    this.bufferedAmount += message.length;
    this.unsent.push(() => {
      this.bufferedAmount -= message.length;
      this.sent++;
      done();
    });
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  call(id: string, path: string): void {
    this.emit('message', Buffer.from(JSON.stringify({ i: id, p: { u: path } })), false);
  }
}

test('sends no events to, and reads nothing from, a page that does not read its answers', async () => {
  let made = 0;
  const router = {
    events: os.output(eventIterator(z.string())).handler(async function* () {
      for (;;) yield `${made++}`;
    }),
    large: os.handler(() => 'x'.repeat(5 * 2 ** 20)),
  };
  const socket = new SlowSocket();
  serveSocket(socket as unknown as WebSocket, new RPCHandler<CallContext>(router));
  socket.call('1', '/events');
  // The head of the answer, then one event at a time.
  for (let sent = 0; sent < 3; sent++) {
    await expect.poll(() => socket.unsent).toHaveLength(sent + 1);
    expect(made).toBeLessThanOrEqual(sent + 1);
    socket.unsent[sent]();
  }
  expect(socket.isPaused).toBe(false);
  socket.call('2', '/large');
  await expect.poll(() => socket.isPaused).toBe(true);
  for (const leave of socket.unsent.slice(3)) leave();
  expect(socket.isPaused).toBe(false);
  socket.emit('close');
});
