/** The page of the WebGPU engine test: the engine as it is, and one call to check it. Bundled by the test. */
import * as tf from '@tensorflow/tfjs-core';
import type { EngineHost } from '#engine/types.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import { verifyAgainstGolden, type ReferenceArray, type VerifyResult } from '#engine/verify.ts';

export interface WebgpuPage {
  hasAdapter(): Promise<boolean>;
  verify(arrays: [string, ReferenceArray][]): Promise<VerifyResult & { readonly leakedTensors: number }>;
}

const host: EngineHost = {
  hardwareThreads: 1,
  readResource: (path) => Promise.reject(new Error(`no resource ${path} in this page`)),
};

const page: WebgpuPage = {
  async hasAdapter() {
    const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
    return Boolean(await gpu?.requestAdapter());
  },
  async verify(arrays) {
    const engine = await createTfjsEngine('webgpu', host);
    const before = tf.memory().numTensors;
    const result = await verifyAgainstGolden(engine, new Map(arrays));
    return { ...result, leakedTensors: tf.memory().numTensors - before };
  },
};
Object.assign(globalThis, { webgpuPage: page });
