/**
 * What AMN's residual is added to: the mean of the context, or Σ_t w_t ⊙ x_t with position weights w [T, D]. The mean is
 * also an input of the network.
 */
import type { Parameter, ParameterBank } from '../bank.ts';
import { READ, WRITE, type Kernel } from '../kernel.ts';
import type { Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import type { Rows } from '../rows.ts';
import { elementGroups, elementKernel, ROW_THREADS } from '../wgsl.ts';

interface SkipTensors {
  /** [B][T][D] */
  readonly contexts: Tensor;
  /** Mean of the context [B][D], written. */
  readonly mean: Rows;
  /** [B][D], written; added to where `accumulate`. */
  readonly raw: Tensor;
}

export class Skip {
  private readonly weights: Parameter | undefined;
  private readonly T: number;
  private readonly D: number;

  constructor(bank: ParameterBank, T: number, D: number, withPositions: boolean) {
    this.T = T;
    this.D = D;
    this.weights = withPositions ? bank.vector('position_weights', T * D) : undefined;
  }

  forward(program: Program, { contexts, mean, raw }: SkipTensors, accumulate: boolean): void {
    const { T, D, weights } = this;
    const tensors = { contexts, mean: mean.tensor, raw };
    const kernel = { T, D, mean, accumulate };
    if (weights) program.add(positionKernel(kernel), { ...tensors, weights: weights.w }, elementGroups(D));
    else program.add(meanKernel(kernel), tensors, elementGroups(D));
  }

  backward(program: Program, contexts: Tensor, draw: Tensor): void {
    const { T, D, weights } = this;
    if (!weights) return;
    const tensors = { contexts, draw, dweights: weights.g };
    program.add(weightKernel(T, D), tensors, () => [Math.ceil((T * D) / ROW_THREADS)]);
  }
}

interface SkipKernel {
  readonly T: number;
  readonly D: number;
  readonly mean: Rows;
  readonly accumulate: boolean;
}

const buffers = { contexts: READ, mean: WRITE, raw: WRITE };
const positionBuffers = { ...buffers, weights: READ };

function bodyOf({ T, D, mean, accumulate }: SkipKernel, skip: string, sum: string): string {
  return `var sum = 0.0;
  var skip = 0.0;
  for (var t = 0u; t < ${T}u; t++) {
    let x = contexts[(b * ${T}u + t) * ${D}u + d];
    sum += x;
    ${sum}
  }
  let average = sum / ${T}.0;
  mean[${mean.offset}u + b * ${mean.itemStride}u + d] = average;
  raw[b * ${D}u + d] ${accumulate ? '+=' : '='} ${skip};`;
}

function meanKernel(kernel: SkipKernel): Kernel<typeof buffers> {
  const body = bodyOf(kernel, 'average', '');
  return elementKernel({ label: 'mean of the context', buffers, columns: kernel.D, body });
}

function positionKernel(kernel: SkipKernel): Kernel<typeof positionBuffers> {
  const body = bodyOf(kernel, 'skip', `skip = fma(weights[t * ${kernel.D}u + d], x, skip);`);
  return elementKernel({ label: 'position weights', buffers: positionBuffers, columns: kernel.D, body });
}

const weightBuffers = { contexts: READ, draw: READ, dweights: WRITE };

/** dw[t, d] = Σ_b draw[b, d]·x[b, t, d]. */
function weightKernel(T: number, D: number): Kernel<typeof weightBuffers> {
  const code = `@compute @workgroup_size(${ROW_THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x;
  if (at >= ${T * D}u) { return; }
  var sum = 0.0;
  for (var b = 0u; b < u.B; b++) { sum = fma(draw[b * ${D}u + at % ${D}u], contexts[b * ${T * D}u + at], sum); }
  dweights[at] = sum;
}
`;
  return { label: 'position weight gradient', buffers: weightBuffers, code };
}
