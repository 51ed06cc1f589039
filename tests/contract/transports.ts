/** The ways a client reaches the services: in the process, over a MessageChannel, over a WebSocket. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { RPCHandler as PortHandler } from '@orpc/server/message-port';
import { RPCHandler as SocketHandler } from '@orpc/server/ws';
import { WebSocket, WebSocketServer } from 'ws';
import type { NextvecClient } from '#shared/contract/index.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';

export interface Connection {
  readonly client: NextvecClient;
  close(): Promise<void>;
}

const serializers = { customJsonSerializers: TYPED_ARRAY_SERIALIZERS };

async function inProcess({ client }: Nextvec): Promise<Connection> {
  return { client, close: async () => undefined };
}

async function messageChannel({ router }: Nextvec): Promise<Connection> {
  const { port1, port2 } = new MessageChannel();
  new PortHandler(router, serializers).upgrade(port1);
  const client: NextvecClient = createORPCClient(new PortLink({ port: port2, ...serializers }));
  port1.start();
  port2.start();
  return { client, close: async () => port1.close() };
}

async function webSocket({ router }: Nextvec): Promise<Connection> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const handler = new SocketHandler(router, serializers);
  server.on('connection', (socket) => void handler.upgrade(socket));
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(socket, 'open');
  const websocket = socket as unknown as globalThis.WebSocket;
  const client: NextvecClient = createORPCClient(new SocketLink({ websocket, ...serializers }));
  return {
    client,
    async close() {
      socket.terminate();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

export const TRANSPORTS: readonly (readonly [string, (nextvec: Nextvec) => Promise<Connection>])[] = [
  ['in the process', inProcess],
  ['MessageChannel', messageChannel],
  ['WebSocket', webSocket],
];
