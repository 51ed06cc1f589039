/**
 * The Node host: the built page over HTTP and the services over a WebSocket, on 127.0.0.1 only.
 * Not here: the services, what the command line prints.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RPCHandler } from '@orpc/server/websocket';
import { WebSocketServer } from 'ws';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { isNextvecError, NextvecError } from '#shared/domain/errors.ts';
import type { Nextvec } from '../../nextvec.ts';
import { RPC_PATH, SUBPROTOCOL } from '../handshake.ts';
import { answerPage, securityHeaders } from '../page.ts';
import { checkHost, checkUpgrade, newToken, type Refusal } from './guard.ts';
import { terminateDeadSockets, serveSocket } from './sockets.ts';

const LOOPBACK = '127.0.0.1';
const MAX_MESSAGE_BYTES = 16 * 2 ** 20;
/** Each open page has one. */
const MOST_SOCKETS = 32;
const PING_EVERY_MS = 30_000;
/** The same at each start: a browser keeps what it remembers of the page (columns, pins, theme) by address and port. */
const USUAL_PORT = 14_317;

export interface ServeOptions {
  readonly nextvec: Pick<Nextvec, 'router'>;
  readonly rendererDir: string;
  /** 0: any free port; null: USUAL_PORT, or any free one where that is taken. */
  readonly port: number | null;
  /** Milliseconds between pings; a socket that answers none of two is closed. Default 30 seconds. */
  readonly pingEveryMs?: number;
}

export interface PageServer {
  /** With the token in its fragment: what a person opens. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

function socketOrigins(host: string): string[] {
  return [`ws://${host}`];
}

async function respond(request: IncomingMessage, response: ServerResponse, rendererDir: string): Promise<void> {
  const refusal = checkHost(request.headers.host);
  const headers = securityHeaders(refusal ? [] : socketOrigins(request.headers.host ?? ''));
  if (refusal) {
    response.writeHead(refusal.status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`${refusal.message}\n`);
    return;
  }
  const path = (request.url ?? '/').split(/[?#]/, 1)[0];
  const answer = await answerPage(rendererDir, request.method ?? 'GET', path, headers);
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

function refuseUpgrade(socket: Duplex, { status, message }: Refusal): void {
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function checkPath(path: string | undefined): Refusal | null {
  return path === RPC_PATH ? null : { status: 403, message: `There is no WebSocket at ${path ?? ''}.` };
}

function checkRoom({ clients }: WebSocketServer): Refusal | null {
  if (clients.size < MOST_SOCKETS) return null;
  return { status: 503, message: `${MOST_SOCKETS} pages are connected already. Close some of them and try again.` };
}

/** Throws CONFLICT where the port cannot be had. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const remedy = 'Choose another with --port, or leave it out for any free one.';
      const busy = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(busy ? new NextvecError('CONFLICT', `Port ${port} cannot be used (${error.code}).`, { remedy }) : error);
    };
    server.once('error', fail);
    server.listen(port, LOOPBACK, () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function listenOnUsual(server: Server): Promise<number> {
  try {
    return await listen(server, USUAL_PORT);
  } catch (error) {
    if (isNextvecError(error)) return listen(server, 0);
    throw error;
  }
}

export async function servePage({
  nextvec,
  rendererDir,
  port: wantedPort,
  pingEveryMs,
}: ServeOptions): Promise<PageServer> {
  const token = newToken();
  const rpc = new RPCHandler(nextvec.router, { customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  const server = createServer((request, response) => {
    respond(request, response, rendererDir).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = checkPath(request.url) ?? checkUpgrade(request.headers, token) ?? checkRoom(sockets);
    if (refusal) return refuseUpgrade(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (ws) => serveSocket(ws, rpc));
  });
  const stopPings = terminateDeadSockets(sockets, pingEveryMs ?? PING_EVERY_MS);
  const port = wantedPort === null ? await listenOnUsual(server) : await listen(server, wantedPort);
  return {
    url: `http://${LOOPBACK}:${port}/#token=${token}`,
    port,
    close: () => {
      stopPings();
      return closeServer(server, sockets);
    },
  };
}

function closeServer(server: Server, sockets: WebSocketServer): Promise<void> {
  for (const ws of sockets.clients) ws.terminate();
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
