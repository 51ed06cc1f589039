/**
 * A thread of the simd engine: receives module and memory once, then stays inside WebAssembly and runs programs. Works
 * under Node's worker_threads and as a browser Worker; holds no state of its own beyond its kernel instance.
 */
import { nodeModule } from '../node.ts';
import { instantiateKernels, type KernelInstance } from './runtime/instance.ts';
import type { FromThread, ToThread } from './runtime/messages.ts';
import {
  CONTROL_ARRIVED,
  CONTROL_FAULT,
  CONTROL_GENERATION,
  CONTROL_SEQUENCE,
  FAULT_SEEN,
  FAULT_THREAD,
} from './abi/control.ts';

/** Pause between two openings of the barrier, ms. */
const BARRIER_PAUSE_MS = 1;

interface Port {
  post(message: FromThread): void;
  listen(handler: (message: ToThread) => void): void;
}

function openPort(): Port {
  const node = nodeModule('node:worker_threads')?.parentPort;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  if (node) return { post: (message) => node.postMessage(message), listen: (handler) => node.on('message', handler) };
  return {
    post: (message) => postMessage(message),
    listen: (handler) => addEventListener('message', (event: MessageEvent<ToThread>) => handler(event.data)),
  };
}

class SimdThread {
  private readonly port: Port;
  private instance: KernelInstance | undefined;
  private memory: WebAssembly.Memory | undefined;
  private control = 0;
  private scratch = 0;
  private sequence = 0;

  constructor(port: Port) {
    this.port = port;
  }

  handle(message: ToThread): void {
    if (message.type === 'start') {
      this.instance = instantiateKernels(message.setup);
      this.control = message.setup.control;
      this.scratch = message.setup.scratch;
      this.memory = message.setup.memory;
      // A thread that joins later has missed the programs before.
      this.sequence = Atomics.load(new Int32Array(this.memory.buffer), (this.control + CONTROL_SEQUENCE) / 4);
    } else {
      this.instance?.gatherer.bind(message.source);
    }
    this.port.post({ type: 'ready' });
    if (!this.instance) return;
    try {
      this.sequence = this.instance.kernels.serve(this.control, this.sequence, this.scratch);
    } catch (error) {
      this.releaseBarriers();
      throw error;
    }
  }

  /**
   * After an exception in a program: opens every barrier that the other threads reach until thread 0 has seen the fault,
   * because thread 0 would otherwise wait for ever, its event loop blocked. Their results are discarded.
   */
  private releaseBarriers(): void {
    const words = new Int32Array(this.memory!.buffer, this.control);
    const fault = CONTROL_FAULT / 4;
    const generation = CONTROL_GENERATION / 4;
    Atomics.store(words, fault, FAULT_THREAD);
    while (Atomics.load(words, fault) !== FAULT_SEEN) {
      Atomics.store(words, CONTROL_ARRIVED / 4, 0);
      Atomics.add(words, generation, 1);
      Atomics.notify(words, generation);
      Atomics.wait(words, fault, FAULT_THREAD, BARRIER_PAUSE_MS);
    }
  }
}

const port = openPort();
const thread = new SimdThread(port);
port.listen((message) => thread.handle(message));
