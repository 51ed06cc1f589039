/** Node host: access control and malformed requests. */
import { once } from 'node:events';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryHome } from './support/host.ts';
import { serve, type Server } from './support/node-host.ts';

const home = temporaryHome();
let server: Server;
let url: URL;
let token: string;

beforeAll(async () => {
  server = await serve(home.path, [resolve('tests/fixtures/zoo')]);
  url = new URL(server.url);
  token = url.hash.slice('#token='.length);
});
afterAll(async () => {
  await server.stop();
  home.remove();
});

function status(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number | undefined> {
  return new Promise((done, fail) => {
    request({ host: '127.0.0.1', port: url.port, path, method, headers }, (response) => {
      response.resume();
      done(response.statusCode);
    })
      .on('error', fail)
      .end();
  });
}

/** Status of a WebSocket upgrade: 101, or the refusal with its text. */
function upgrade(
  protocols: string[],
  options: { origin?: string; host?: string; path?: string } = {},
): Promise<string> {
  const { origin = url.origin, host = url.host, path = '/rpc' } = options;
  return new Promise((done) => {
    const socket = new WebSocket(`ws://127.0.0.1:${url.port}${path}`, protocols, { origin, headers: { Host: host } });
    socket.on('open', () => {
      done(`101 ${socket.protocol}`);
      socket.close();
    });
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => done(`${response.statusCode} ${text.trim()}`));
    });
    socket.on('error', (error) => done(error.message));
  });
}

describe('access control', () => {
  it('prints a 127.0.0.1 URL with the token only in its fragment', () => {
    expect(url.hostname).toBe('127.0.0.1');
    expect(token.length).toBeGreaterThanOrEqual(43);
    expect(url.search).toBe('');
  });

  it('accepts the token', async () => {
    expect(await upgrade(['nextvec', token])).toBe('101 nextvec');
  });

  it('refuses a wrong, missing or truncated token with 401 and a remedy', async () => {
    for (const protocols of [['nextvec', 'x'.repeat(43)], ['nextvec'], ['nextvec', token.slice(0, 20)]])
      expect(await upgrade(protocols)).toMatch(/^401 Wrong or missing token\. Open the full address/);
  });

  it('refuses other origins, host names and paths with 403', async () => {
    expect(await upgrade(['nextvec', token], { origin: 'http://evil.example' })).toMatch(/^403 Only the page/);
    expect(await upgrade(['nextvec', token], { host: 'evil.example' })).toMatch(/^403 This server answers only/);
    expect(await upgrade(['nextvec', token], { path: '/other' })).toMatch(/^403 There is no WebSocket/);
    expect(await status('/', { Host: 'evil.example' })).toBe(403);
  });

  it('accepts a tunnel on another local port', async () => {
    expect(await upgrade(['nextvec', token], { origin: 'http://localhost:9999', host: 'localhost:9999' })).toBe(
      '101 nextvec',
    );
  });

  it('serves only files of the page', async () => {
    expect(await status('/../../package.json')).not.toBe(200);
    expect(await status('/%2e%2e/main/cli.js')).not.toBe(200);
    expect(await status('/', {}, 'POST')).toBe(405);
    expect(await status('/')).toBe(200);
  });

  it('survives malformed messages', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${url.port}/rpc`, ['nextvec', token], { origin: url.origin });
    await once(socket, 'open');
    for (const nonsense of ['', '{', '[]', '{"i":"1","p":{"u":"/no/such","m":"POST"}}', Buffer.alloc(100, 255)])
      socket.send(nonsense);
    // Frames are read in order: the pong comes after the server has read all of the above.
    socket.ping();
    await once(socket, 'pong');
    socket.close();
    expect(await upgrade(['nextvec', token])).toBe('101 nextvec');
  });
});
