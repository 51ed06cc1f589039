/**
 * Process for shutdown.test.ts that closes on SIGTERM. With a FIFO as argument it never ends by itself: a timer, a thread in
 * a system call, and a call of the file system that does not return.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { endWithin } from '../../src/main/hosts/shutdown.ts';

if (isMainThread) {
  const fifo = process.argv.at(2);
  const waiting = setInterval(() => undefined, 1000);
  process.once('SIGTERM', () => {
    endWithin(fifo === undefined ? 60_000 : 300);
    if (fifo === undefined) clearInterval(waiting);
  });
  if (fifo !== undefined) {
    void new Worker(new URL(import.meta.url), { workerData: fifo });
    void readFile(fifo);
  }
  process.stdout.write('ready\n');
} else readFileSync(workerData as string);
