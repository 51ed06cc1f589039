/** EngineHost for the simd engine: kernels built when out of date, threads that the models of a process share. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineHost, EngineThread } from '#engine/types.ts';
import { nodeEngineHost } from '../../src/main/processes/engine-host.ts';

/** Not for a model whose number of threads changes: it resets words in memory that only threads that have ended no longer use. */
export async function simdHost(): Promise<EngineHost> {
  return { ...(await newThreadsHost()), spawnSimdThread };
}

/** Starts a thread for each request and ends it, as the program does. */
export async function newThreadsHost(): Promise<EngineHost> {
  const script = (await import(pathToFileURL(resolve('scripts/build-kernels.mjs')).href)) as {
    buildKernels(): Promise<string[]>;
  };
  await script.buildKernels();
  return plainHost();
}

const plainHost = (): EngineHost => nodeEngineHost(resolve('resources'));

/** Threads that no model uses. Starting one costs more than training a small model. */
const idle: SharedThread[] = [];

/** Returns to `idle` where the model would end it: it listens then, and its next 'start' message replaces all it holds. */
class SharedThread {
  private readonly thread = plainHost().spawnSimdThread!();
  private message: (message: unknown) => void = () => {};
  private error: (error: Error) => void = () => {};
  private isUsable = true;

  constructor() {
    this.thread.onMessage((message) => this.message(message));
    this.thread.onError((error) => {
      this.isUsable = false;
      this.error(error);
    });
  }

  /** For one model. */
  lend(): EngineThread {
    let isLent = true;
    return {
      postMessage: (message) => this.thread.postMessage(message),
      onMessage: (listener) => (this.message = listener),
      onError: (listener) => (this.error = listener),
      terminate: () => {
        if (!isLent) return;
        isLent = false;
        this.message = () => {};
        this.error = () => {};
        if (this.isUsable) idle.push(this);
      },
    };
  }
}

function spawnSimdThread(): EngineThread {
  return (idle.pop() ?? new SharedThread()).lend();
}
