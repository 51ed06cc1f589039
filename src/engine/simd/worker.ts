/**
 * A thread of the simd engine: receives module and memory once, then stays inside WebAssembly and runs programs. Works
 * under Node's worker_threads and as a browser Worker; holds no state of its own beyond its kernel instance.
 */
import { instantiateKernels, type KernelInstance } from './instance.ts';
import type { FromThread, ToThread } from './messages.ts';

interface Port {
  post(message: FromThread): void;
  listen(handler: (message: ToThread) => void): void;
}

interface NodePort {
  postMessage(message: FromThread): void;
  on(event: 'message', handler: (message: ToThread) => void): void;
}

/** The engine is compiled without Node's types, so this says the little it uses of them. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): { parentPort: NodePort | null };
}

function openPort(): Port {
  const { process } = globalThis as { process?: NodeProcess };
  const node = process?.getBuiltinModule?.('node:worker_threads').parentPort;
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
    } else {
      this.instance?.gatherer.bind(message.source);
    }
    this.port.post({ type: 'ready' });
    if (this.instance) this.sequence = this.instance.kernels.serve(this.control, this.sequence, this.scratch);
  }
}

const port = openPort();
const thread = new SimdThread(port);
port.listen((message) => thread.handle(message));
