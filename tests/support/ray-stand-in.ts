/**
 * What of Ray's job interface a run needs, with jobs as child processes of a shell: the life of a run on a cluster without a
 * Ray. Its answers have the fields of recorded ones (tests/fixtures/ray); `tests/unit/ray/client.test.ts` checks those.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';

/** A Ray that a test starts, stops and whose jobs it kills. */
export interface TestRay {
  readonly address: string;
  start(): Promise<void>;
  /** Its jobs are killed and forgotten. */
  stop(): Promise<void>;
  /** Kills the processes of the run's job, as a machine that fails. */
  kill(runId: string): Promise<void>;
  /** Ids of the jobs it has had of a run, since it was started. */
  jobsOf(runId: string): Promise<string[]>;
}

interface Job {
  readonly child: ChildProcess;
  status: 'RUNNING' | 'STOPPED' | 'SUCCEEDED' | 'FAILED';
  logs: string;
}

export class RayStandIn implements TestRay {
  private readonly jobs = new Map<string, Job>();
  private server: Server;
  private port = 0;

  constructor() {
    this.server = this.listener();
  }

  get address(): string {
    return `ray://127.0.0.1:${this.port}`;
  }

  /** On the port it had before, if it had one. */
  async start(): Promise<void> {
    this.server = this.listener();
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const { child } of this.jobs.values()) killGroup(child, 'SIGKILL');
    this.jobs.clear();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async kill(runId: string): Promise<void> {
    const [id] = (await this.jobsOf(runId)).slice(-1);
    const job = this.jobs.get(id);
    if (job !== undefined) killGroup(job.child, 'SIGKILL');
  }

  async jobsOf(runId: string): Promise<string[]> {
    return [...this.jobs.keys()].filter((id) => id.startsWith(runId));
  }

  private listener(): Server {
    const server = createServer((request, response) => void this.answer(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      const job = this.jobs.get(request.url?.split('/')[3] ?? '');
      sockets.handleUpgrade(request, socket, head, (tail) => {
        const tell = (): void => tail.send('{}');
        const end = (): void => tail.close();
        job?.child.stdout?.on('data', tell);
        job?.child.once('close', end);
        if (job === undefined || job.status !== 'RUNNING') end();
      });
    });
    return server;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , , id, action] = (request.url ?? '').split('/');
    const say = (status: number, body: unknown): void =>
      void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    if (request.url === '/api/version') return say(200, { ray_version: '2.60.0' });
    if (request.method === 'POST' && id === '') return say(200, this.submit(JSON.parse(await text(request))));
    const job = this.jobs.get(id);
    if (job === undefined) return say(404, `Job ${id} does not exist`);
    if (action === 'logs') return say(200, { logs: job.logs });
    if (action === 'stop') {
      if (job.status === 'RUNNING') job.status = 'STOPPED';
      killGroup(job.child, 'SIGTERM');
      return say(200, { stopped: true });
    }
    const hasLeft = job.child.exitCode !== null || job.child.signalCode !== null;
    return say(200, {
      status: hasLeft ? job.status : 'RUNNING',
      message: 'as the stand-in says',
      driver_exit_code: hasLeft ? job.child.exitCode : null,
    });
  }

  private submit(request: Record<string, unknown>): object {
    const child = spawn('sh', ['-c', String(request.entrypoint)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const job: Job = { child, status: 'RUNNING', logs: '' };
    const write = (data: unknown): void => void (job.logs += String(data));
    child.stdout.on('data', write);
    child.stderr.on('data', write);
    child.once('exit', (code) => {
      if (job.status === 'RUNNING') job.status = code === 0 ? 'SUCCEEDED' : 'FAILED';
    });
    this.jobs.set(String(request.submission_id), job);
    return { job_id: request.submission_id, submission_id: request.submission_id };
  }
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal);
}
