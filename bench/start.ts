/**
 * What a start costs: the command line from nothing to its version (wall clock), and a data worker until it answers (wall
 * clock and CPU of all its threads), of the build here and of others, in interleaved rounds. Prints median and highest.
 *
 *   node bench/start.ts [--rounds 15] [--against <another checkout, built>]... [--out bench/results/start.json]
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { WorkerPool } from '../src/main/processes/worker-pool.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    against: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: '' },
  },
});

function startCommandLine(checkout: string): number {
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, [join(checkout, 'bin', 'nextvec.mjs'), '--version']);
  if (status !== 0) throw new Error(`nextvec --version of ${checkout} ended with ${status}.`);
  return performance.now() - startedMs;
}

async function startWorker(checkout: string): Promise<{ wallMs: number; cpuMs: number }> {
  const pool = new WorkerPool(resolve(checkout, 'out', 'main', 'data-worker.js'));
  const startedMs = performance.now();
  const before = process.cpuUsage();
  // There is no such folder: the answer is an error, sent as soon as the worker has started.
  await pool.client.articles({ folder: 'missing' }).catch(() => undefined);
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startedMs;
  await pool.close();
  return { wallMs, cpuMs: (user + system) / 1000 };
}

function summary(ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b);
  return `${sorted[sorted.length >> 1].toFixed(0)} / ${sorted[sorted.length - 1].toFixed(0)} ms`;
}

const checkouts = ['.', ...values.against];
const results = checkouts.map((checkout) => ({
  checkout,
  commandLine: [] as number[],
  workerWall: [] as number[],
  workerCpu: [] as number[],
}));
const machine = `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, load ${loadavg()[0].toFixed(1)}`;
console.log(machine);
// The first round warms the file cache and is not counted.
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const { checkout, commandLine, workerWall, workerCpu } of results) {
    const line = startCommandLine(checkout);
    const worker = await startWorker(checkout);
    if (round === 0) continue;
    commandLine.push(line);
    workerWall.push(worker.wallMs);
    workerCpu.push(worker.cpuMs);
  }
}
for (const { checkout, commandLine, workerWall, workerCpu } of results) {
  console.log(
    `${checkout}: command line ${summary(commandLine)}; data worker ${summary(workerWall)}, CPU ${summary(workerCpu)}`,
  );
}
if (values.out !== '') {
  writeFileSync(
    values.out,
    JSON.stringify({ date: new Date().toISOString().slice(0, 10), machine, results }, null, 1) + '\n',
  );
}
