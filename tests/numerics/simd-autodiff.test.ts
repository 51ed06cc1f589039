/** Property: on random shapes, losses and weights, the simd engine's explicit backward agrees with tfjs autodiff. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INPUT_SHIFTS, type ModelSpec } from '#shared/domain/models/models.ts';
import { CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import { TERMS, byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import type { Engine, LossProbe, ModelOptions } from '#engine/types.ts';
import { relativeError } from '#engine/verify.ts';
import { autodiff, type Autodiff } from '../support/autodiff.ts';
import { testHost } from '../support/host.ts';
import { simdHost } from '../support/simd-host.ts';
import { range, walks } from '../support/walks.ts';

let engines: { simd: Engine; plain: Engine; tfjs: Engine };
beforeAll(async () => {
  const host = await simdHost();
  engines = {
    simd: await createSimdEngine({ host, threads: 1 }),
    plain: await createSimdEngine({ host, threads: 1, variant: 'simd128' }),
    tfjs: await createTfjsEngine('cpu', testHost),
  };
});
afterAll(async () => {
  for (const engine of Object.values(engines)) await engine.dispose();
});

const lambda = fc.constantFrom(0, 0.01, 0.5, 1);
const CASE = fc.record({
  T: fc.integer({ min: 1, max: 7 }),
  D: fc.integer({ min: 2, max: 53 }),
  B: fc.integer({ min: 2, max: 21 }),
  dModel: fc.integer({ min: 1, max: 19 }),
  hiddenDim: fc.integer({ min: 4, max: 29 }),
  skip: fc.constantFrom(undefined, 'positional' as const),
  seed: fc.integer({ min: 1, max: 1e6 }),
  weights: fc.record(byTerm(() => lambda)),
  tau: fc.constantFrom(0.05, 0.07, 0.5),
  inputs: fc.constantFrom(undefined, ...INPUT_SHIFTS),
});
type Case = typeof CASE extends fc.Arbitrary<infer C> ? C : never;

function optionsOf({ T, D, B, dModel, hiddenDim, skip, seed, weights, tau, inputs }: Case): ModelOptions {
  const spec: ModelSpec = { type: 'amn', T, D, dModel, hiddenDim, skip, inputs };
  const parameters = initialParameters(spec, seed);
  parameters.get(CORPUS_MEAN)?.forEach((_, d, mean) => (mean[d] = Math.sin(d + seed) / D));
  const loss: LossConfig = { weights, tau, marginDirectional: 0.05, marginAntiCopy: 0.02, varianceTarget: 1 };
  return {
    spec,
    loss,
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
    seed,
    parameters,
    maxBatch: B,
  };
}

function batchOf({ B, T, D, seed }: Case) {
  const contexts = new Float32Array(B * T * D);
  const targets = new Float32Array(B * D);
  walks(B, T, D, seed).gather(range(0, B), contexts, targets);
  return { contexts, targets };
}

async function probeOf(engine: Engine, options: ModelOptions, c: Case): Promise<LossProbe> {
  const { contexts, targets } = batchOf(c);
  const model = await engine.createModel(options);
  try {
    return await model.probe(contexts, targets, c.B);
  } finally {
    model.dispose();
  }
}

/** Gradients of tfjs, computed once for both builds: they draw the same cases. */
const references = new Map<string, Promise<Autodiff>>();
function referenceOf(options: ModelOptions, c: Case): Promise<Autodiff> {
  const key = JSON.stringify(c);
  const { contexts, targets } = batchOf(c);
  const reference = references.get(key) ?? autodiff(engines.tfjs, options, contexts, targets);
  references.set(key, reference);
  return reference;
}

/** Error of one gradient; differences below the float32 noise of the whole gradient are ignored. */
function gradientError(ours: Float32Array, theirs: Float32Array, whole: number): number {
  let difference = 0;
  let norm = 0;
  theirs.forEach((g, i) => {
    difference += (g - ours[i]) ** 2;
    norm += g ** 2;
  });
  return Math.sqrt(difference) / (Math.sqrt(norm) + 1e-2 * whole + 1e-6);
}

test.each(['simd', 'plain'] as const)(
  '%s agrees with tfjs autodiff',
  async (name) => {
    await fc.assert(
      fc.asyncProperty(CASE, async (c) => {
        const options = optionsOf(c);
        const ours = await probeOf(engines[name], options, c);
        const theirs = await referenceOf(options, c);
        expect(relativeError([ours.total], [theirs.total])).toBeLessThan(1e-4);
        TERMS.forEach((_, k) => {
          const [value, expected] = [ours.values[k], theirs.values[k]];
          // An undefined term, e.g. directional with one position, is NaN in both.
          const agree = Object.is(value, expected) || Math.abs(value - expected) < 1e-5 + 1e-4 * Math.abs(expected);
          expect({ k, value, expected, agree }).toMatchObject({ agree: true });
        });
        for (const [parameter, gradient] of theirs.gradients) {
          const error = gradientError(ours.gradients.get(parameter)!, gradient, theirs.gradNorm);
          expect({ parameter, within: error < 2e-4 }).toEqual({ parameter, within: true });
        }
      }),
      { numRuns: 40, seed: 20261122 },
    );
  },
  240_000,
);
