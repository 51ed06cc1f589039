/** The EngineHost of a Node process: shipped resources, threads, cores. Used by trainer, command line and tests. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { messageOf } from '#shared/domain/thrown.ts';
import type { EngineHost, EngineThread } from '#engine/types.ts';
import { tensorflowFolder } from './user-folders.ts';

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
  return {
    postMessage: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    onError: (listener) => void worker.on('error', listener),
    terminate: async () => void (await worker.terminate()),
  };
}

/**
 * V8 has this for x86-64 (ARM has no vectors of 256 bits); Node builds it in from 23.5 on, and from V8 13 on it works on
 * the compiler that WebAssembly uses by default. Not under Electron, where a change of V8's flags has not been tried.
 */
function pairVectors(): boolean {
  const { v8, electron } = process.versions;
  if (process.arch !== 'x64' || electron !== undefined || Number.parseInt(v8, 10) < 13) return false;
  setFlagsFromString('--experimental-wasm-revectorize');
  return true;
}

const VULKAN_LOADER = 'libvulkan.so.1';

/** Only for Linux. Not under Electron, which brings a loader of its own. */
function vulkanProblem(): string {
  if (process.platform !== 'linux' || process.versions.electron !== undefined) return '';
  try {
    process.dlopen({ exports: {} }, VULKAN_LOADER);
  } catch (error) {
    // A loader that is there is refused too, since it is not an addon of Node.
    const message = messageOf(error);
    if (message.startsWith(`${VULKAN_LOADER}: cannot open`)) return message;
  }
  return '';
}

/**
 * TensorFlow reports on stderr which instructions it uses; from level 1 on it writes warnings and errors only. It reads the
 * environment of the process, which a worker thread cannot change.
 */
export function quietTensorflow(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
}

export function nodeEngineHost(resourcesDir: string): EngineHost {
  quietTensorflow();
  return {
    hardwareThreads: availableParallelism(),
    memoryBytes: totalmem(),
    readResource: async (path) => new Uint8Array(await readFile(join(resourcesDir, path))),
    tensorflowFolder: tensorflowFolder(),
    spawnSimdThread,
    pairVectors,
    vulkanProblem,
  };
}
