/** The client of Ray's job interface against answers that a real Ray 2.60 gave (tests/fixtures/ray/record.mjs). */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { lastLogLine } from '../../../src/main/runs/ray/check.ts';
import { hasEnded, RayClient } from '../../../src/main/runs/ray/client.ts';

const AnswerSchema = z.object({ method: z.string(), path: z.string(), status: z.number(), body: z.string() });
const answers = z
  .record(z.string(), AnswerSchema)
  .parse(JSON.parse(readFileSync('tests/fixtures/ray/answers.json', 'utf8')));

/** Of a Ray that was started with RAY_AUTH_MODE=token. */
const UNAUTHORISED = { status: 401, body: 'Unauthorized: Missing authentication token' };

let server: Server;
let client: RayClient;
/** Name of the recorded answer that is given next, and the request that asked for it. */
let next = '';
let asked: { method?: string; url?: string; token?: string; body: string };

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers } = request;
  asked = { method, url, token: headers.authorization, body: await text(request) };
  const { status, body } = next === 'unauthorised' ? UNAUTHORISED : answers[next];
  response.writeHead(status).end(body);
}

beforeAll(async () => {
  vi.stubEnv('RAY_AUTH_TOKEN', 'abc');
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  client = new RayClient(`ray://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterAll(() => {
  vi.unstubAllEnvs();
  server.close();
});

const request = { id: 'a1', entryPoint: "nextvec ray-job '/shared/a b'", cpus: 2, gpus: 1, memoryBytes: 1.5 };
/** Calls with the recorded answer of this name. */
function answering<T>(name: string, call: () => Promise<T>): Promise<T> {
  next = name;
  return call();
}

it('submits a job under its id, with CPUs, GPUs and whole bytes of memory, and with the token', async () => {
  await answering('submitted', () => client.submit(request));
  expect(asked).toMatchObject({ method: 'POST', url: '/api/jobs/', token: 'Bearer abc' });
  expect(JSON.parse(asked.body)).toEqual({
    submission_id: 'a1',
    entrypoint: "nextvec ray-job '/shared/a b'",
    entrypoint_num_cpus: 2,
    entrypoint_num_gpus: 1,
    entrypoint_memory: 2,
  });
  await expect(answering('submitted twice', () => client.submit(request))).rejects.toMatchObject({ code: 'CONFLICT' });
});

it.each([
  ['young job', false],
  ['waits for resources', false],
  ['succeeded', true],
  ['failed', true],
  ['stopped', true],
])('reads the state of a job: %s', async (name, isOver) => {
  const state = await answering(name, () => client.job('a1'));
  expect(state && hasEnded(state)).toBe(isOver);
  expect(asked.url).toBe('/api/jobs/a1');
});

it('reads the exit status of a job that failed, its log and the version of Ray', async () => {
  expect(await answering('failed', () => client.job('a1'))).toMatchObject({ status: 'FAILED', driver_exit_code: 3 });
  expect(await answering('logs', () => client.logs('a1'))).toContain('{"line":3}\n');
  expect(await answering('version', () => client.version())).toBe('2.60.0');
});

it('finds what a job said last among the lines of Ray', async () => {
  const state = await answering('failed', () => client.job('a1'));
  expect(lastLogLine(state?.message ?? '')).toBe('cannot');
  expect(lastLogLine('{"error":{"code":"LOCKED","message":"in use"}}\n')).toBe('in use');
});

it('takes a job that Ray does not know for gone', async () => {
  expect(await answering('no job', () => client.job('a1'))).toBeNull();
  expect(await answering('no logs', () => client.logs('a1'))).toBe('');
  await answering('stop no job', () => client.stop('a1'));
  await answering('stop an ended job', () => client.stop('a1'));
  await answering('stop', () => client.stop('a1'));
  expect(asked).toMatchObject({ method: 'POST', url: '/api/jobs/a1/stop' });
});

it('says what is wrong: no token, a refused request, no answer, no address of Ray', async () => {
  await expect(answering('unauthorised', () => client.version())).rejects.toMatchObject({ code: 'NO_PERMISSION' });
  await expect(answering('bad request', () => client.submit(request))).rejects.toMatchObject({
    code: 'CLUSTER_UNREACHABLE',
    message: expect.stringContaining(client.address),
  });
  await expect(answering('logs', () => client.version())).rejects.toThrow('no Ray that is known here');
  await expect(new RayClient('ray://127.0.0.1:1').job('a1')).rejects.toThrow(
    'Ray at ray://127.0.0.1:1 does not answer: ECONNREFUSED',
  );
});
