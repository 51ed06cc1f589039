/** What engines get of a Node process: shipped resources, threads, cores. The same for trainer, command line and tests. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EngineHost, EngineThread } from '#engine/types.ts';

/** simd-worker.js of the build (chunks lie one folder deeper), or the source file when this module runs from source. */
function simdWorkerFile(): string {
  const folder = dirname(fileURLToPath(import.meta.url));
  const candidates = [
    join(folder, 'simd-worker.js'),
    join(folder, '..', 'simd-worker.js'),
    join(folder, '..', '..', 'engine', 'simd', 'worker.ts'),
  ];
  return candidates.find((file) => existsSync(file)) ?? candidates[0];
}

function spawnSimdThread(): EngineThread {
  const worker = new Worker(simdWorkerFile());
  // A thread that only waits for work must not keep its process alive.
  worker.unref();
  return {
    postMessage: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    onError: (listener) => void worker.on('error', listener),
    terminate: async () => void (await worker.terminate()),
  };
}

export function nodeEngineHost(resourcesDir: string): EngineHost {
  return {
    hardwareThreads: availableParallelism(),
    readResource: async (path) => new Uint8Array(await readFile(join(resourcesDir, path))),
    spawnSimdThread,
  };
}
