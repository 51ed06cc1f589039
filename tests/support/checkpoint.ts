/** A small checkpoint that differs by step, for tests of writing and reading. */
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { emptySums } from '#engine/trainer/epoch-sums.ts';
import type { ModelCheckpoint } from '#engine/trainer/index.ts';
import type { NamedTensors } from '#engine/types.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';

export const SMALL_SPEC: GradientSpec = { type: 'amn', T: 3, D: 4, dModel: 2, hiddenDim: 4 };

function scaled(tensors: NamedTensors, by: number): NamedTensors {
  return new Map([...tensors].map(([name, data]) => [name, data.map((x) => x * by)]));
}

export function checkpointAt(step: number, kind: ModelCheckpoint['kind'] = 'last'): ModelCheckpoint {
  const parameters = initialParameters(SMALL_SPEC, step);
  const random = new Random(step);
  return {
    kind,
    state: {
      version: 2,
      seed: 1,
      epoch: 2,
      position: 7,
      step,
      lr: 5e-4,
      scheduler: { best: 0.1, badEpochs: 1 },
      stopping: { best: 0.4, badEpochs: 0 },
      best: { epoch: 1, step: 10, valLoss: 0.1, valCosine: 0.4, oodCosine: null },
      sums: emptySums(),
      durationMs: 10,
      trainMs: 9,
      rowsTrained: 70,
    },
    parameters,
    optimizer: { step, m: scaled(parameters, 0.1), v: scaled(parameters, -0.01) },
    golden: {
      B: 2,
      contexts: Float32Array.from({ length: 24 }, () => random.normal()),
      raw: Float32Array.from({ length: 8 }, () => random.normal()),
    },
  };
}
