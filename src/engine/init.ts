/** Initial parameters of a run: PyTorch's default distributions, drawn in state_dict order from the run's seed. */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { elementCount, parameterShapes } from '#shared/domain/models/shapes.ts';
import { stream } from './random.ts';
import type { NamedTensors } from './types.ts';

export function initialParameters(spec: GradientSpec, seed: number): NamedTensors {
  const random = stream(seed, 'init');
  const parameters: NamedTensors = new Map();
  for (const { name, shape, init } of parameterShapes(spec)) {
    const values = new Float32Array(elementCount(shape));
    if (init.kind === 'constant') values.fill(init.value);
    else for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * init.bound;
    parameters.set(name, values);
  }
  return parameters;
}
