/** The parts of Node that engines use. The engine is compiled without Node's types, and in a page all of them are absent. */

export interface FileSystem {
  openSync(path: string, flags: 'r'): number;
  closeSync(fd: number): void;
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
}

interface ParentPort {
  postMessage(message: unknown): void;
  on<Message>(event: 'message', handler: (message: Message) => void): void;
}

interface Modules {
  readonly 'node:fs': FileSystem;
  readonly 'node:module': { createRequire(file: string): (path: string) => unknown };
  readonly 'node:util': Record<string, unknown>;
  readonly 'node:worker_threads': { readonly parentPort: ParentPort | null };
}

interface NodeGlobals {
  readonly process?: { getBuiltinModule?<Name extends keyof Modules>(name: Name): Modules[Name] };
  setImmediate?(callback: () => void): unknown;
}

export const nodeGlobals = globalThis as NodeGlobals;

/** undefined in a page, and in a Node without getBuiltinModule. */
export function nodeModule<Name extends keyof Modules>(name: Name): Modules[Name] | undefined {
  return nodeGlobals.process?.getBuiltinModule?.(name);
}
