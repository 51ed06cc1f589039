/** A host ends after SIGTERM, whatever hangs. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const HOST = resolve('tests/support/hanging-host.ts');

async function endOf(...args: string[]): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  const child = spawn(process.execPath, [HOST, ...args], { stdio: 'pipe' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [code, signal] = (await closed) as [number | null, string | null];
  return { code, signal, stderr };
}

test.skipIf(process.platform === 'win32')('a process that hangs while closing is ended, with a message', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nextvec-hang-'));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { signal, stderr } = await endOf(fifo);
  rmSync(folder, { recursive: true });
  expect(signal).toBe('SIGKILL');
  expect(stderr).toContain('still closing');
});

test.skipIf(process.platform === 'win32')('a process exits by itself after closing', async () => {
  expect(await endOf()).toEqual({ code: 0, signal: null, stderr: '' });
});
