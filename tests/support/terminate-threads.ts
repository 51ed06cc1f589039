/**
 * Loaded into a trainer process with --import: when the file named by NEXTVEC_TEST_TERMINATE_THREADS appears, every thread of the
 * simd engine is terminated without an event, as under memory pressure. The file is removed then.
 */
import { existsSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const LOOK_MS = 10;
const flag = process.env.NEXTVEC_TEST_TERMINATE_THREADS ?? '';
const workers: threads.Worker[] = [];

threads.Worker = class extends threads.Worker {
  constructor(...args: ConstructorParameters<typeof threads.Worker>) {
    super(...args);
    if (/simd/.test(String(args[0]))) workers.push(this);
  }
};
syncBuiltinESMExports();

const timer = setInterval(() => {
  if (workers.length === 0 || !existsSync(flag)) return;
  rmSync(flag);
  clearInterval(timer);
  for (const worker of workers) void worker.terminate();
}, LOOK_MS);
timer.unref();
