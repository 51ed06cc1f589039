/**
 * Loads tfjs backends on demand and makes one current. tfjs keeps one current backend for the whole process, so every
 * synchronous stretch of work starts with `activate`.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { EngineHost, EngineName } from '../types.ts';
import { loadTensorflow } from './node-gpu.ts';
import { messageOf } from '#shared/domain/thrown.ts';

export type TfjsName = Exclude<EngineName, 'simd' | 'webgpu'>;

/** tfjs's own word for each backend. */
const BACKEND: Readonly<Record<TfjsName, string>> = {
  cpu: 'cpu',
  wasm: 'wasm',
  tensorflow: 'tensorflow',
};

/** Loads the backend's module and initialises it; returns an empty string, or why it cannot run here. */
export async function loadBackend(name: TfjsName, host: EngineHost): Promise<string> {
  tf.enableProdMode();
  try {
    const missing = await importBackend(name, host);
    if (missing) return missing;
    const ready = await tf.setBackend(BACKEND[name]);
    return ready ? '' : `the tfjs backend ${BACKEND[name]} did not initialise on this machine`;
  } catch (error) {
    return messageOf(error);
  }
}

async function importBackend(name: TfjsName, host: EngineHost): Promise<string> {
  switch (name) {
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      return '';
    case 'wasm': {
      const wasm = await import('@tensorflow/tfjs-backend-wasm');
      if (host.tfjsWasmPath !== undefined) wasm.setWasmPaths(host.tfjsWasmPath);
      return '';
    }
    case 'tensorflow': {
      const load = await loadTensorflow(host.tensorflowFolder);
      return 'reason' in load ? load.reason : '';
    }
  }
}

/** Makes a loaded backend current; synchronous once it has been initialised. */
export function activate(name: TfjsName): void {
  if (tf.getBackend() !== BACKEND[name]) void tf.setBackend(BACKEND[name]);
}

/** How the backend runs here, for the run's record. */
export async function describeBackend(name: TfjsName): Promise<{ variant: string; threads: number }> {
  if (name === 'tensorflow') return { variant: tensorflowVariant(), threads: 1 };
  if (name !== 'wasm') return { variant: BACKEND[name], threads: 1 };
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return { variant: simd ? 'simd128' : 'scalar', threads: Math.max(1, wasm.getThreadsCount()) };
}

/** The part of tfjs-node's backend used here. */
interface TensorflowBackend extends Partial<tf.KernelBackend> {
  readonly binding?: { readonly TF_Version: string };
  readonly isUsingGpuDevice?: boolean;
}

/** Version and device of the loaded TensorFlow, e.g. "2.19.1 cpu". */
function tensorflowVariant(): string {
  const { binding, isUsingGpuDevice }: TensorflowBackend = tf.backend();
  return `${binding?.TF_Version ?? 'tensorflow'} ${isUsingGpuDevice ? 'gpu' : 'cpu'}`;
}
