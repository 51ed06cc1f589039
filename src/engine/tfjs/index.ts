/** The tfjs engines (`tensorflow`, `wasm`, `cpu`): one implementation, three backends. */
import { version_core } from '@tensorflow/tfjs-core';
import type { Engine, EngineHost, ModelOptions } from '../types.ts';
import { describeBackend, loadBackend, type TfjsName } from './backend.ts';
import { registerGradients } from './gradients.ts';
import { TfjsModel } from './model.ts';

export { loadBackend, type TfjsName } from './backend.ts';

/** Opens a tfjs engine; rejects with the reason when its backend cannot run here. */
export async function createTfjsEngine(name: TfjsName, host: EngineHost): Promise<Engine> {
  const reason = await loadBackend(name, host);
  if (reason) throw new Error(`Engine ${name}: ${reason}`);
  registerGradients();
  const { variant, threads } = await describeBackend(name);
  const deterministic = name === 'cpu' || name === 'wasm';
  return {
    info: { name, version: `tfjs ${version_core}`, threads, variant, deterministic },
    async createModel(options: ModelOptions) {
      return new TfjsModel(name, options);
    },
    // Backends are shared by the whole process and hold nothing once their models are disposed of.
    async dispose() {},
  };
}
