/** Runs a program to its end and keeps what it writes. */
import { spawn } from 'node:child_process';

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Rejects where the program cannot be started, and with AbortError where `signal` is aborted: the program is then killed. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { env = process.env, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, signal, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    child.on('error', reject);
    child.on('close', (status, killedBy) => resolve({ status, signal: killedBy, stdout, stderr }));
  });
}

/** The end of what a program wrote, for a message. */
export function lastLines(text: string, count = 3): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
