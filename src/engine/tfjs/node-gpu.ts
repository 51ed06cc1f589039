/**
 * The one module that loads @tensorflow/tfjs-node-gpu: an optional native dependency that may be missing or unable to
 * find its library. tfjs-node 4.22 calls `util.isNullOrUndefined`, `util.isArray` and friends, which Node 23 removed.
 */

/** What Node ≥ 23 no longer has and tfjs-node still calls. */
const REMOVED_FROM_UTIL: Readonly<Record<string, (value: unknown) => boolean>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: (value) => Array.isArray(value),
  isString: (value) => typeof value === 'string',
  isNumber: (value) => typeof value === 'number',
  isBoolean: (value) => typeof value === 'boolean',
  isUndefined: (value) => value === undefined,
  isNull: (value) => value === null,
  isObject: (value) => value !== null && typeof value === 'object',
  isFunction: (value) => typeof value === 'function',
};

interface NodeProcess {
  getBuiltinModule?(name: string): Record<string, unknown> | undefined;
}

function restoreRemovedUtilities(): void {
  const process = (globalThis as { process?: NodeProcess }).process;
  const util = process?.getBuiltinModule?.('node:util');
  if (!util) return;
  for (const [name, test] of Object.entries(REMOVED_FROM_UTIL)) util[name] ??= test;
}

/** Registers the `tensorflow` backend; returns an empty string, or why it cannot run here and what to do. */
export async function loadTensorflow(): Promise<string> {
  if (!('process' in globalThis)) return 'needs Node; a page cannot load native code';
  restoreRemovedUtilities();
  const name = '@tensorflow/tfjs-node-gpu';
  try {
    await import(/* @vite-ignore */ name);
    return '';
  } catch (error) {
    return explain(error);
  }
}

function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [firstLine] = message.split('\n');
  if (/Cannot find (package|module) '@tensorflow\/tfjs-node-gpu'/.test(message)) {
    return 'the optional package @tensorflow/tfjs-node-gpu is not installed (its install downloads a native library; try `npm install @tensorflow/tfjs-node-gpu`)';
  }
  return `@tensorflow/tfjs-node-gpu is installed but did not load: ${firstLine}`;
}
