/**
 * Ray's job interface (`/api/jobs/` of its dashboard): submit, look at, stop and follow jobs. What a job does is not known
 * here. Requests go through node:http: Ray answers 405 to what looks like a browser, and `fetch` sends `sec-fetch-mode`.
 * It and ws load with the first request: most programs have no cluster, and they would take 0.1 s of every start.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { rayUrl } from '#shared/domain/runs/clusters.ts';
import { codeOf, messageOf } from '#shared/domain/thrown.ts';

/** A cluster that does not answer within this counts as unreachable. Submitting waits for a process of Ray to start. */
const TIMEOUT_MS = 60_000;

const JobSchema = z.object({
  status: z.enum(['PENDING', 'RUNNING', 'STOPPED', 'SUCCEEDED', 'FAILED']),
  /** What Ray says of that status; after a failure with the last lines of its log. */
  message: z.string().nullish(),
  /** Exit status of the entry point. */
  driver_exit_code: z.int().nullish(),
});
export type JobState = z.infer<typeof JobSchema>;

const VersionSchema = z.object({ ray_version: z.string() });
const LogsSchema = z.object({ logs: z.string() });

export interface JobRequest {
  readonly id: string;
  /** For a shell. */
  readonly entryPoint: string;
  readonly cpus: number;
  readonly gpus: number;
  readonly memoryBytes: number;
}

export function hasEnded({ status }: JobState): boolean {
  return status === 'STOPPED' || status === 'SUCCEEDED' || status === 'FAILED';
}

/** Ray's token, from where its own programs read it; null: there is none. */
function rayToken(): string | null {
  const { RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH } = process.env;
  if (RAY_AUTH_TOKEN) return RAY_AUTH_TOKEN;
  try {
    return readFileSync(RAY_AUTH_TOKEN_PATH || join(homedir(), '.ray', 'auth_token'), 'utf8').trim();
  } catch {
    return null;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

export class RayClient {
  readonly address: string;
  private readonly url: string;
  private readonly headers: Readonly<Record<string, string>>;

  /** `address`: ray://HOST:PORT, the port of the dashboard. Nothing is sent before the first call. */
  constructor(address: string) {
    this.address = address;
    this.url = rayUrl(address);
    const token = rayToken();
    this.headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** Ray's version. */
  async version(): Promise<string> {
    return this.read(VersionSchema, await this.ask('GET', '/api/version')).ray_version;
  }

  /** Throws CONFLICT where Ray knows a job of this id. */
  async submit({ id, entryPoint, cpus, gpus, memoryBytes }: JobRequest): Promise<void> {
    const answer = await this.ask('POST', '/api/jobs/', {
      submission_id: id,
      entrypoint: entryPoint,
      entrypoint_num_cpus: cpus,
      entrypoint_num_gpus: gpus,
      entrypoint_memory: Math.ceil(memoryBytes),
    });
    if (answer.status === 500 && answer.body.includes('already exists')) {
      throw new NextvecError('CONFLICT', `Ray at ${this.address} has a job ${id} already.`, {
        remedy: 'Wait for its end, or delete it there.',
        details: { place: id },
      });
    }
    this.refuse(answer);
  }

  /** null: Ray knows no such job, for instance since it was started anew. */
  async job(id: string): Promise<JobState | null> {
    const answer = await this.ask('GET', `/api/jobs/${id}`);
    return answer.status === 404 ? null : this.read(JobSchema, answer);
  }

  /** Its output so far; empty when there is no such job. */
  async logs(id: string): Promise<string> {
    const answer = await this.ask('GET', `/api/jobs/${id}/logs`);
    return answer.status === 404 ? '' : this.read(LogsSchema, answer).logs;
  }

  /** Asks Ray to end the job: SIGTERM, after three seconds SIGKILL. One that has ended or is not known is left alone. */
  async stop(id: string): Promise<void> {
    const answer = await this.ask('POST', `/api/jobs/${id}/stop`);
    if (answer.status !== 404) this.refuse(answer);
  }

  /**
   * Calls `onOutput` whenever the job has written something, and `onEnd` once when there is no more to come or the
   * connection is lost. Resolves to what ends it.
   */
  async tail(id: string, onOutput: () => void, onEnd: () => void): Promise<() => void> {
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/api/jobs/${id}/logs/tail`, {
      headers: this.headers,
    });
    socket.on('message', onOutput);
    // Every error is followed by `close`.
    socket.on('error', () => undefined);
    socket.once('close', onEnd);
    return () => socket.terminate();
  }

  private refuse({ status, body }: Answer): void {
    if (status < 300) return;
    if (status === 401 || status === 403) {
      throw new NextvecError('NO_PERMISSION', `Ray at ${this.address} refuses the connection: ${body.trim()}.`, {
        remedy:
          "Put the cluster's token where Ray's own programs read it: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token.",
        details: { place: this.address },
      });
    }
    const reason = body.trim().split('\n').at(-1)?.trim() || `status ${status}`;
    throw new NextvecError('CLUSTER_UNREACHABLE', `Ray at ${this.address} cannot do that: ${reason}`, {
      remedy: 'Look at "ray status" there and try again.',
      details: { place: this.address },
    });
  }

  private read<T>(schema: z.ZodType<T>, answer: Answer): T {
    this.refuse(answer);
    try {
      return schema.parse(JSON.parse(answer.body));
    } catch (cause) {
      throw new NextvecError('CLUSTER_UNREACHABLE', `What answers at ${this.address} is no Ray that is known here.`, {
        remedy: 'Name the address of the dashboard of Ray 2.9 or later, usually port 8265.',
        details: { place: this.address },
        cause,
      });
    }
  }

  private async ask(method: string, path: string, body?: object): Promise<Answer> {
    try {
      return await this.exchange(method, path, body);
    } catch (cause) {
      const reason = codeOf(cause) ?? messageOf(cause);
      throw new NextvecError('CLUSTER_UNREACHABLE', `Ray at ${this.address} does not answer: ${reason}.`, {
        remedy:
          'Check the address and that "ray start --head" runs there; from elsewhere its dashboard needs a tunnel (ssh -L).',
        details: { place: this.address },
        cause,
      });
    }
  }

  private async exchange(method: string, path: string, body?: object): Promise<Answer> {
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      const outgoing = request(
        this.url + path,
        { method, headers: this.headers, signal: AbortSignal.timeout(TIMEOUT_MS) },
        (response) => {
          text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body && JSON.stringify(body));
    });
  }
}
