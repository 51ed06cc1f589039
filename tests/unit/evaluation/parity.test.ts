/** Parity accepts equal weights and forward pass, and refuses a changed weight or another forward pass. */
import { describe, expect, it } from 'vitest';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { openEngine } from '#engine/registry.ts';
import { score } from '#engine/evaluation/score.ts';
import type { NamedTensors, TrainableModel, WindowSource } from '#engine/types.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { proveParity } from '../../../src/main/evaluation/parity.ts';
import type { LoadedCheckpoint } from '../../../src/main/checkpoints/read.ts';

const T = 5;
const D = 16;
const AMN: GradientSpec = { type: 'amn', T, D, dModel: 8, hiddenDim: 16 };
const TRANSFORMER: GradientSpec = {
  type: 'transformer',
  T,
  D,
  dModel: 16,
  heads: 2,
  numLayers: 1,
  feedForward: 32,
  dropout: 0,
};

function randomSource(windows: number, seed: number): WindowSource {
  const random = new Random(seed);
  const vectors = Float32Array.from({ length: (windows + T + 1) * D }, () => random.normal() / Math.sqrt(D));
  return {
    windows,
    T,
    D,
    gather: (ids, contexts, targets) =>
      ids.forEach((id, row) => {
        contexts.set(vectors.subarray(id * D, (id + T) * D), row * T * D);
        targets.set(vectors.subarray((id + T) * D, (id + T + 1) * D), row * D);
      }),
  };
}

const source = randomSource(40, 3);
const validation = { source, ids: Uint32Array.from({ length: 40 }, (_, i) => i) };

async function load(spec: GradientSpec, parameters: NamedTensors): Promise<TrainableModel> {
  const host = { readResource: async () => new Uint8Array(), hardwareThreads: 1 };
  const engine = await openEngine('cpu', host);
  const weights = lambdaOf({ mse: 1 });
  const loss = { weights, tau: 0.07, marginDirectional: 0.05, marginAntiCopy: 0.02, varianceTarget: 1 };
  const optimizer = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clip: 1 };
  return engine.createModel({ spec, loss, optimizer, seed: 1, parameters, maxBatch: 64 });
}

async function store(spec: GradientSpec): Promise<LoadedCheckpoint> {
  const parameters = initialParameters(spec, 7);
  const model = await load(spec, parameters);
  const contexts = new Float32Array(4 * T * D);
  source.gather(Uint32Array.of(0, 9, 17, 30), contexts, new Float32Array(4 * D));
  const golden = { contexts, raw: (await model.predict(contexts, 4)).raw, B: 4 };
  const valCosine = (await score(model, validation))?.cosine ?? null;
  return {
    folder: 'best-0000000001-0',
    kind: 'best',
    spec,
    valCosine,
    parameters,
    golden,
    optimizer: null,
  } as unknown as LoadedCheckpoint;
}

describe('parity', () => {
  it('holds for the stored checkpoint', async () => {
    const checkpoint = await store(AMN);
    const { parity } = await proveParity(await load(AMN, checkpoint.parameters), checkpoint, validation);
    expect(parity).toEqual({ goldenMaxAbs: 0, goldenMaxRelative: 0, valCosineDelta: 0, ok: true });
  });

  it.each(['residual_net.0.weight', 'residual_net.2.bias', 'residual_net.6.weight', 'query_encoder.weight'])(
    'refuses one altered weight of %s',
    async (name) => {
      const checkpoint = await store(AMN);
      const altered = new Map([...checkpoint.parameters].map(([key, values]) => [key, values.slice()]));
      (altered.get(name) as Float32Array)[3] += 0.5;
      const model = await load(AMN, altered);
      await expect(proveParity(model, checkpoint, validation)).rejects.toMatchObject({ code: 'PARITY_FAILED' });
    },
  );

  it('refuses another architecture with equal names and shapes', async () => {
    const checkpoint = await store(TRANSFORMER);
    const right = await load(TRANSFORMER, checkpoint.parameters);
    expect((await proveParity(right, checkpoint, validation)).parity.ok).toBe(true);
    const other = await load({ ...TRANSFORMER, heads: 4 }, checkpoint.parameters);
    await expect(proveParity(other, checkpoint, validation)).rejects.toMatchObject({ code: 'PARITY_FAILED' });
  });

  it('refuses a differing validation cosine although the golden output matches', async () => {
    const checkpoint = { ...(await store(AMN)), valCosine: 0.5 };
    const model = await load(AMN, checkpoint.parameters);
    await expect(proveParity(model, checkpoint, validation)).rejects.toThrow(/validation cosine/);
  });
});
