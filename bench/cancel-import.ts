/**
 * Ends imports of a large file early, at some shares of the whole, and measures how long it takes until the storage folder holds nothing
 * of them: a cancel of the call over `nextvec serve`, a connection that closes, SIGINT to `nextvec import`, and kill -9 with the
 * next start. Prints one JSON line for each; throws where something stays. Needs the build.
 * Usage: node bench/cancel-import.ts FILE FOLDER
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, serve } from './support/served-host.ts';

const [file, parent] = process.argv.slice(2);
if (!file || !parent) throw new Error('Give the file and a folder for storage.');
const ROOT = join(import.meta.dirname, '..');
const POLL_MS = 2;
const LONGEST_MS = 60_000;

/** Where an import is ended: at this share of the whole. It reads up to 0.65, hashes up to 0.8, and measures. */
const SHARES = [0.02, 0.3, 0.6, 0.7, 0.9];

const home = await mkdtemp(join(parent, 'nextvec-cancel-'));
const datasets = join(home, 'datasets');

async function bytesOf(folder: string): Promise<number> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    entries.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Ends an import with `act` and waits until nothing of it is left; then prints what it took. */
async function measure(how: string, act: () => unknown): Promise<void> {
  const writtenBytes = await bytesOf(datasets);
  const startedMs = performance.now();
  await act();
  while (readdirSync(datasets).length > 0) {
    if (performance.now() - startedMs > LONGEST_MS) throw new Error(`${how} left ${readdirSync(datasets).join(', ')}`);
    await delay(POLL_MS);
  }
  const ms = Math.round(performance.now() - startedMs);
  console.log(JSON.stringify({ how, writtenBytes, ms, homeBytes: await bytesOf(home) }));
}

/** Follows an import over the host up to a share of the whole. */
async function served(url: string, share: number, how: 'cancel' | 'closed connection'): Promise<void> {
  const { client, close } = connect(url);
  const cancel = new AbortController();
  try {
    for await (const event of await client.datasets.import({ path: resolve(file) }, { signal: cancel.signal })) {
      if (event.type === 'done') throw new Error(`the import ended before ${share}`);
      if ((event.fraction ?? 0) < share) continue;
      return await measure(`${how} at ${share} (${event.phase})`, () => (how === 'cancel' ? cancel.abort() : close()));
    }
  } finally {
    close();
  }
}

/** `nextvec import`, ended by a signal once it has written `bytes`. */
async function commanded(signal: 'SIGINT' | 'SIGKILL', bytes: number): Promise<void> {
  const words = [join(ROOT, 'out', 'main', 'cli.js'), '--home', home, 'import', file];
  const child = spawn(process.execPath, words, { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('close', done));
  while ((await bytesOf(datasets)) < bytes) await delay(50);
  await measure(signal, async () => {
    child.kill(signal);
    await ended;
    // The next start removes what a killed one has left.
    if (signal === 'SIGKILL') await (await serve(ROOT, home)).stop();
  });
}

try {
  const host = await serve(ROOT, home, ['--root', dirname(resolve(file))]);
  try {
    for (const share of SHARES) await served(host.url, share, 'cancel');
    await served(host.url, SHARES[1], 'closed connection');
  } finally {
    await host.stop();
  }
  const { size } = await stat(file);
  await commanded('SIGINT', size / 4);
  await commanded('SIGKILL', size / 4);
} finally {
  await rm(home, { recursive: true, force: true });
}
