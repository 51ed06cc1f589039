/** A thread that ends inside a step fails the run; thread 0 does not wait forever. */
import { Worker } from 'node:worker_threads';
import { beforeAll, expect, test } from 'vitest';
import { initialParameters } from '#engine/init.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import type { EngineHost, EngineThread } from '#engine/types.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { LOSS } from '../support/training.ts';
import { sharedStore } from '../support/shared-store.ts';
import { newThreadsHost } from '../support/simd-host.ts';

const SPEC: ModelSpec = { type: 'amn', T: 5, D: 40, dModel: 13, hiddenDim: 26 };

let host: EngineHost;
beforeAll(async () => {
  host = await newThreadsHost();
});

function trappingThread(): EngineThread {
  const worker = new Worker(new URL('../support/trapping-simd-thread.ts', import.meta.url));
  return {
    postMessage: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    onError: (listener) => void worker.on('error', listener),
    terminate: async () => void (await worker.terminate()),
  };
}

/** On two cores, one of three threads may get no work in a step and survive. */
const MOST_STEPS = 500;

test.each([2, 3])('a dead thread (of %i) fails the step with a clear error', async (threads) => {
  let spawned = 0;
  const spawnSimdThread = (): EngineThread => (spawned++ === 0 ? trappingThread() : host.spawnSimdThread!());
  const engine = await createSimdEngine({ host: { ...host, spawnSimdThread }, threads });
  const model = await engine.createModel({
    spec: SPEC,
    loss: LOSS,
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
    seed: 1,
    parameters: initialParameters(SPEC, 3),
    maxBatch: 60,
  });
  const { shared } = sharedStore({ windows: 100, T: 5, D: 40, dtype: 'float32' });
  const ids = Uint32Array.from({ length: 60 }, (_, i) => i);
  const step = async (): Promise<unknown> => {
    for (let n = 1; n < MOST_STEPS; n++) await model.trainStep({ source: shared, ids, lr: 1e-3, step: n });
    return model.trainStep({ source: shared, ids, lr: 1e-3, step: MOST_STEPS });
  };
  await expect(step()).rejects.toThrow(/a thread stopped/);
  await expect(step()).rejects.toThrow(/a thread stopped/);
  await engine.dispose();
});
