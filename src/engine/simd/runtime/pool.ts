/**
 * The threads of one model. Thread 0 is the caller; the others wait inside WebAssembly. `run` returns when every thread
 * has finished the program; nothing is sent per step.
 */
import type { EngineHost, EngineThread } from '../../types.ts';
import type { VectorStore } from '../gather.ts';
import {
  COMMAND_LISTEN,
  CONTROL_FAULT,
  CONTROL_GENERATION_WAITERS,
  CONTROL_SEQUENCE_WAITERS,
  FAULT_NONE,
  FAULT_SEEN,
  FAULT_THREAD,
} from '../abi/control.ts';
import { instantiateKernels, type KernelInstance, type ThreadSetup } from './instance.ts';
import type { ToThread } from './messages.ts';

export interface PoolOptions {
  readonly host: EngineHost;
  readonly threads: number;
  /** One for each of the most threads there may be; they differ in the scratch offset only. */
  readonly setups: readonly ThreadSetup[];
}

export class ThreadPool {
  private readonly options: PoolOptions;
  private readonly main: KernelInstance;
  private readonly setup: ThreadSetup;
  private workers: EngineThread[] = [];
  private readonly fault: Int32Array;
  private waiting: { remaining: number; resolve: () => void; reject: (error: Error) => void } | undefined;
  private failure: Error | undefined;
  private bound: VectorStore | undefined;

  private constructor(options: PoolOptions) {
    this.options = options;
    this.setup = options.setups[0];
    this.main = instantiateKernels(this.setup);
    this.fault = new Int32Array(this.setup.memory.buffer, this.setup.control + CONTROL_FAULT, 1);
  }

  static async start(options: PoolOptions): Promise<ThreadPool> {
    const pool = new ThreadPool(options);
    await pool.spawn(options.threads);
    return pool;
  }

  get threads(): number {
    return this.workers.length + 1;
  }

  /** Goes on with another number of threads, at most one for each setup; between programs only. No thread is bound then. */
  async resize(threads: number): Promise<void> {
    await this.stopWorkers();
    // Threads that ended in their sleep still count as sleepers.
    const { memory, control } = this.setup;
    const words = new Int32Array(memory.buffer, control);
    for (const waiters of [CONTROL_SEQUENCE_WAITERS, CONTROL_GENERATION_WAITERS]) Atomics.store(words, waiters / 4, 0);
    await this.spawn(Math.min(threads, this.options.setups.length));
    this.bound = undefined;
  }

  private async spawn(threads: number): Promise<void> {
    const { host, setups } = this.options;
    const spawn = host.spawnSimdThread;
    if (threads > 1 && !spawn) throw new Error('simd engine: this host starts no threads; ask for one thread');
    this.workers = Array.from({ length: threads - 1 }, () => spawn!());
    for (const worker of this.workers) {
      worker.onMessage(() => this.oneReady());
      worker.onError((error) => this.fail(error));
    }
    await this.send((i) => ({ type: 'start', setup: setups[i + 1] }));
  }

  run(program: number, ops: number, profile = 0): void {
    if (this.failure) throw this.failure;
    const { control, scratch } = this.setup;
    try {
      this.main.kernels.run(control, program, ops, this.threads, scratch, profile);
    } catch (error) {
      throw this.takeFault() ?? error;
    }
    if (this.fault[0] !== FAULT_NONE) throw this.takeFault();
  }

  /** The fault a thread reported during the last program; undefined: none. */
  private takeFault(): Error | undefined {
    const fault = Atomics.load(this.fault, 0);
    if (fault === FAULT_NONE) return undefined;
    if (fault === FAULT_THREAD) {
      Atomics.store(this.fault, 0, FAULT_SEEN);
      Atomics.notify(this.fault, 0);
      this.failure = new Error(
        'simd engine: a thread stopped in the middle of a step; resume from the last checkpoint',
      );
      return this.failure;
    }
    this.fault[0] = FAULT_NONE;
    return new Error(
      this.main.takeFault() ??
        'gather: a thread could not bring its rows: a window outside the vector store, or an unreadable file',
    );
  }

  /** Whether every thread can gather from `source` already. */
  isBound(source: VectorStore): boolean {
    return this.bound === source;
  }

  /** Lets every thread gather from `source`; between steps only. */
  async bind(source: VectorStore): Promise<void> {
    this.main.gatherer.bind(source);
    if (this.workers.length > 0) {
      this.main.kernels.interrupt(this.setup.control, COMMAND_LISTEN);
      await this.send(() => ({ type: 'bind', source }));
    }
    this.bound = source;
  }

  async dispose(): Promise<void> {
    this.failure ??= new Error('simd engine: the model was disposed');
    await this.stopWorkers();
    this.main.gatherer.close();
  }

  private async stopWorkers(): Promise<void> {
    if (this.workers.length > 0) this.main.kernels.interrupt(this.setup.control, COMMAND_LISTEN);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private async send(message: (worker: number) => ToThread): Promise<void> {
    if (this.workers.length === 0) return;
    if (this.failure) throw this.failure;
    const ready = new Promise<void>((resolve, reject) => {
      this.waiting = { remaining: this.workers.length, resolve, reject };
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.workers.forEach((worker, i) => worker.postMessage(message(i)));
    await ready;
  }

  private oneReady(): void {
    if (this.waiting && --this.waiting.remaining === 0) this.waiting.resolve();
  }

  private fail(error: Error): void {
    this.failure = new Error(`simd engine: a thread stopped: ${error.message}`, { cause: error });
    this.waiting?.reject(this.failure);
  }
}
