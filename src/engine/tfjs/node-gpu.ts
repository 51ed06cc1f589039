/**
 * The one module that loads TensorFlow: @tensorflow/tfjs-node-gpu as npm installed it, else what `nextvec engines install`
 * made of its addon. tfjs-node 4.22 calls `util.isNullOrUndefined`, `util.isArray` and friends, which Node 23 removed.
 */
import * as tf from '@tensorflow/tfjs-core';
import { nodeGlobals, nodeModule } from '../node.ts';
import { messageOf } from '#shared/domain/thrown.ts';

/** What tfjs-node still calls and Node ≥ 23 no longer has, or warns of. */
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

function restoreRemovedUtilities(): void {
  const util = nodeModule('node:util');
  if (!util) return;
  Object.assign(util, REMOVED_FROM_UTIL);
}

/** Where the `tensorflow` backend of this process comes from; the reason where it cannot run here, and what to do. */
export type TensorflowLoad = { readonly from: 'npm' | 'engines install' } | { readonly reason: string };

let loaded: TensorflowLoad | null = null;

/** Registers the `tensorflow` backend. `installed`: folder that `nextvec engines install` made, if there is one. */
export async function loadTensorflow(installed?: string): Promise<TensorflowLoad> {
  if (loaded !== null) return loaded;
  if (nodeGlobals.process === undefined) return { reason: 'needs Node; a page cannot load native code' };
  restoreRemovedUtilities();
  const byNpm = await importPackage();
  if ('from' in byNpm) return (loaded = byNpm);
  if (installed === undefined) return byNpm;
  const byInstall = requireInstalled(installed);
  if ('from' in byInstall) loaded = byInstall;
  return byInstall;
}

async function importPackage(): Promise<TensorflowLoad> {
  const name = '@tensorflow/tfjs-node-gpu';
  try {
    await import(/* @vite-ignore */ name);
    return { from: 'npm' };
  } catch (error) {
    return { reason: explain(error) };
  }
}

const INSTALL = '"nextvec engines install tensorflow"';

function explain(error: unknown): string {
  const message = messageOf(error);
  const [firstLine] = message.split('\n');
  if (/Cannot find (package|module) '@tensorflow\/tfjs-node-gpu'/.test(message)) {
    return `not installed; ${INSTALL} fetches and compiles it (Linux x64, macOS arm64)`;
  }
  return `@tensorflow/tfjs-node-gpu is installed but did not load: ${firstLine} Try ${INSTALL}.`;
}

/** The parts of @tensorflow/tfjs-node-gpu that make its backend. */
interface BackendModule {
  readonly NodeJSKernelBackend: new (binding: unknown, packageName: string) => tf.KernelBackend;
}

/**
 * The package's own entry needs the whole of @tensorflow/tfjs and node-pre-gyp; backend and kernels need only tfjs-core.
 * The installed folder has a module named @tensorflow/tfjs that exports what is set here.
 */
function requireInstalled(folder: string): TensorflowLoad {
  const load = nodeModule('node:module')?.createRequire(`${folder}/package.json`);
  if (load === undefined) return { reason: 'this Node is too old; take 22.12 or newer' };
  try {
    const { version } = load('./package.json') as { version: string };
    if (version !== tf.version_core) {
      return { reason: `installed for tfjs ${version}, this is ${tf.version_core}; run ${INSTALL} again` };
    }
    Object.assign(globalThis, { [Symbol.for('nextvec.tfjs-core')]: tf });
    load('./dist/register_all_kernels.js');
    const { NodeJSKernelBackend } = load('./dist/nodejs_kernel_backend.js') as BackendModule;
    const binding = load('./addon/tfjs_binding.node');
    tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, 'tfjs-node-gpu'), 3);
    return { from: 'engines install' };
  } catch (error) {
    const message = messageOf(error);
    return { reason: `installed in ${folder} but did not load: ${message.split('\n')[0]} Run ${INSTALL} again.` };
  }
}
