/** Whole models on WebGPU against the simd engine: outputs, gradients, three steps with dropout. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { byTerm } from '#shared/domain/models/terms.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import type { Engine, LossProbe, NamedTensors, StepStats } from '#engine/types.ts';
import { relativeError } from '#engine/verify.ts';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { simdHost } from '../../support/simd-host.ts';
import { describeWebgpu } from '../../support/webgpu.ts';

const [B, MAX_BATCH, D] = [11, 13, 26];

const SPECS: readonly GradientSpec[] = [
  { type: 'lstm', T: 3, D, hiddenDim: 20, numLayers: 2, dropout: 0.3 },
  { type: 'gru', T: 3, D, dModel: 18, numLayers: 2, inputs: 'relative' },
  { type: 'gru', T: 1, D, dModel: 18, numLayers: 1 },
  { type: 'transformer', T: 3, D, dModel: 24, heads: 3, numLayers: 2, feedForward: 30, dropout: 0.2 },
  { type: 'transformer', T: 1, D, dModel: 24, heads: 3, numLayers: 1, feedForward: 30, dropout: 0.2 },
  // Rows that take workgroups of the full width.
  { type: 'transformer', T: 2, D, dModel: 72, heads: 3, numLayers: 1, feedForward: 30, dropout: 0 },
];

interface Outcome {
  readonly raw: Float32Array;
  readonly probe: LossProbe;
  readonly steps: readonly StepStats[];
}

async function train(engine: Engine, spec: GradientSpec): Promise<Outcome> {
  const { T } = spec;
  const random = new Random(3);
  const contexts = Float32Array.from({ length: B * T * D }, () => random.normal());
  const targets = Float32Array.from({ length: B * D }, () => random.normal());
  const source = {
    windows: B,
    T,
    D,
    gather(ids: Uint32Array, x: Float32Array, y: Float32Array) {
      ids.forEach((id, row) => {
        x.set(contexts.subarray(id * T * D, (id + 1) * T * D), row * T * D);
        y.set(targets.subarray(id * D, (id + 1) * D), row * D);
      });
    },
  };
  const weights = byTerm((term) => (term === 'mse' ? 1 : term === 'directional' && T === 1 ? 0 : 0.1));
  const model = await engine.createModel({
    spec,
    loss: { weights, tau: 0.1, marginDirectional: 0.1, marginAntiCopy: 0.1, varianceTarget: 0.05 },
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
    seed: 7,
    parameters: initialParameters(spec, 5),
    maxBatch: MAX_BATCH,
  });
  const { raw } = await model.predict(contexts, B);
  const probe = await model.probe(contexts, targets, B);
  const ids = Uint32Array.from({ length: B }, (_, i) => i);
  const steps: StepStats[] = [];
  for (let step = 1; step <= 3; step++) steps.push(await model.trainStep({ source, ids, lr: 1e-3, step }));
  model.dispose();
  return { raw, probe, steps };
}

function largestError(actual: NamedTensors, expected: NamedTensors): number {
  const trained = [...expected].filter(([, values]) => values.some((value) => value !== 0));
  return Math.max(...trained.map(([name, values]) => relativeError(actual.get(name) ?? [], values)));
}

describeWebgpu('models on webgpu', () => {
  /** One each for all models: a kernel that several of them need is compiled once. */
  let simd: Engine;
  let webgpu: Engine;
  beforeAll(async () => {
    simd = await createSimdEngine({ host: await simdHost(), threads: 1 });
    webgpu = await createWebgpuEngine();
  });
  afterAll(async () => {
    await simd.dispose();
    await webgpu.dispose();
  });

  it.each(SPECS)('$type, T $T, $numLayers layers', async (spec) => {
    const [expected, actual] = [await train(simd, spec), await train(webgpu, spec)];
    expect(relativeError(actual.raw, expected.raw)).toBeLessThan(1e-5);
    expect(largestError(actual.probe.gradients, expected.probe.gradients)).toBeLessThan(1e-4);
    const totals = ({ steps }: Outcome) => steps.flatMap(({ total, gradNorm, cosine }) => [total, gradNorm, cosine]);
    expect(relativeError(totals(actual), totals(expected))).toBeLessThan(1e-5);
  });
});
