/** Exported models in third-party runtimes against the PyTorch references and the engines. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { InferenceSession, Tensor } from 'onnxruntime-web';
import { describe, expect, test } from 'vitest';
import { GRADIENT_TYPES, type GradientSpec, type ModelSpec } from '#shared/domain/models/models.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { encodeGraphModel } from '#engine/export/graph-model.ts';
import { modelGraph } from '#engine/export/models.ts';
import { encodeOnnx } from '#engine/export/onnx.ts';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { openEngine } from '#engine/registry.ts';
import type { NamedTensors } from '#engine/types.ts';
import { referenceModel } from '#engine/reference.ts';
import { relativeError } from '#engine/verify.ts';
import { testHost } from '../support/host.ts';
import { smallExtras, trainSmallMixture } from '../support/gram.ts';
import { readNpz } from '../support/npz.ts';

const TOLERANCE = 1e-5;

type Outputs = Readonly<Record<string, Float32Array>>;
type Runtime = (spec: ModelSpec, parameters: NamedTensors, contexts: Float32Array, B: number) => Promise<Outputs>;

const onnxRuntime: Runtime = async (spec, parameters, contexts, B) => {
  const bytes = encodeOnnx(modelGraph(spec, parameters), {
    name: spec.type,
    version: '0',
    description: '',
    metadata: { 'nextvec.run': 'test' },
  });
  const session = await InferenceSession.create(bytes);
  const results = await session.run({ context: new Tensor('float32', contexts, [B, spec.T, spec.D]) });
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, value.data as Float32Array]));
};

const tfjs: Runtime = async (spec, parameters, contexts, B) => {
  const files = encodeGraphModel(modelGraph(spec, parameters), { version: '0', metadata: {} });
  const { modelTopology, signature, weightsManifest } = JSON.parse(
    new TextDecoder().decode(files.get('model.json')),
  ) as { modelTopology: object; signature: object; weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }] };
  const weights = files.get('weights.bin')!;
  await tf.setBackend('cpu');
  const model = await loadGraphModel({
    load: async () => ({
      modelTopology,
      signature,
      weightSpecs: weightsManifest[0].weights,
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length) as ArrayBuffer,
    }),
  });
  const names = model.outputs.map(({ name }) => name.split(':')[0]);
  const results = [model.predict(tf.tensor3d(contexts, [B, spec.T, spec.D]))].flat() as tf.Tensor[];
  return Object.fromEntries(results.map((result, i) => [names[i], result.dataSync<'float32'>()]));
};

const mixture = await trainSmallMixture();
const plainMixture = await trainSmallMixture({ neighbours: [], filters: [] });
const fewKeys = await trainSmallMixture({ maxKeys: 12 });
const withModels = await trainSmallMixture({}, smallExtras());

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

describe.each([
  ['ONNX in onnxruntime', onnxRuntime],
  ['graph model in tfjs', tfjs],
] as const)('%s', (_name, run) => {
  test.each([
    ...GRADIENT_TYPES.map((type) => `golden/${type}`),
    'golden-more/amn-seed12-d30-h18',
    'golden-more/amn-seed15-d26-h20-cosine-centred',
    'golden-more/lstm-seed14-d26-h20-cosine-relative',
  ])('%s gives the stored golden output', async (file) => {
    const { spec, parameters, contexts, B, raw, pred } = referenceModel(await readNpz(`tests/fixtures/${file}.npz`));
    const outputs = await run(spec, parameters, contexts, B);
    expect(largestDifference(outputs.raw, raw)).toBeLessThan(TOLERANCE);
    expect(largestDifference(outputs.pred, pred)).toBeLessThan(TOLERANCE);
    expect(outputs.attention === undefined).toBe(spec.type !== 'amn');
  });

  test('accepts any batch size; AMN outputs its attention', async () => {
    const spec: GradientSpec = { type: 'amn', T: 4, D: 10, dModel: 6, hiddenDim: 8, skip: 'positional' };
    const parameters = initialParameters(spec, 3);
    const random = new Random(5);
    const engine = await openEngine('cpu', testHost);
    const loss = lambdaOf({ mse: 1 });
    const model = await engine.createModel({
      spec,
      loss: { weights: loss, tau: 0.07, marginDirectional: 0.05, marginAntiCopy: 0.02, varianceTarget: 1 },
      optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clip: 1 },
      seed: 1,
      parameters,
      maxBatch: 9,
    });
    for (const B of [1, 9]) {
      const contexts = Float32Array.from({ length: B * 40 }, () => random.normal());
      const expected = await model.predict(contexts, B);
      const outputs = await run(spec, parameters, contexts, B);
      expect(largestDifference(outputs.raw, expected.raw)).toBeLessThan(TOLERANCE);
      expect(largestDifference(outputs.attention, expected.attention!)).toBeLessThan(TOLERANCE);
    }
    model.dispose();
  });

  test.each([
    ['as trained', mixture],
    ['without neighbours and filters', plainMixture],
    ['with fewer keys than neighbours', fewKeys],
    ['with a model of each type among its parts', withModels],
  ])('a Gram mixture %s', async (_name, { spec, parameters, contexts, B, raw, coefficients }) => {
    const outputs = await run(spec, parameters, contexts, B);
    expect(largestDifference(outputs.raw, raw)).toBeLessThan(TOLERANCE);
    expect(relativeError(outputs.coefficients, coefficients)).toBeLessThan(TOLERANCE);
    const { T, D } = spec;
    const first = await run(spec, parameters, contexts.subarray(0, T * D), 1);
    const length = Math.hypot(...raw.subarray(0, D));
    expect(
      largestDifference(
        first.pred,
        raw.subarray(0, D).map((x) => x / length),
      ),
    ).toBeLessThan(TOLERANCE);
  });
});
