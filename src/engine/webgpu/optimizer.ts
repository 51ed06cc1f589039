/** Global norm of the gradient, clipping and AdamW over all parameters at once. */
import type { ParameterBank } from './bank.ts';
import { GROUP_INDEX_WGSL, READ, WRITE, grid, type Kernel } from './kernel.ts';
import { sumFunction } from './losses/reduce.ts';
import type { Memory, Tensor } from './device/memory.ts';
import type { Program } from './program.ts';

const THREADS = 256;
/** Sums of squares that the norm adds up, one of each workgroup; zero beyond the last workgroup. */
const PARTS = 256;
/** Parameters of one workgroup of the update. */
const GROUP_PARAMETERS = 4 * THREADS;

export class Optimizer {
  /** Global L2 norm of all gradients before clipping [1]. */
  readonly norm: Tensor;
  private readonly parts: Tensor;
  private readonly bank: ParameterBank;

  constructor(memory: Memory, bank: ParameterBank) {
    this.bank = bank;
    this.parts = memory.tensor('sums of squares', PARTS);
    this.norm = memory.tensor('gradient norm', 1);
  }

  /** Writes `norm`. */
  addNorm(program: Program): void {
    const { parts, norm, bank } = this;
    const groups = Math.min(PARTS, Math.ceil(bank.trainedLength / THREADS));
    program.add(squaresKernel(bank.trainedLength), { gradients: bank.tensor('g'), parts }, () => [groups]);
    program.add(normKernel(), { parts, norm }, () => [1]);
  }

  /** Writes `norm` and updates weights and moments. */
  addUpdate(program: Program): void {
    const { bank, norm } = this;
    const { trainedLength } = bank;
    this.addNorm(program);
    const [w, g, m, v] = (['w', 'g', 'm', 'v'] as const).map((part) => bank.tensor(part));
    const groups = Math.ceil(trainedLength / GROUP_PARAMETERS);
    program.add(adamwKernel(trainedLength), { w, g, m, v, norm }, () => grid(groups));
  }
}

const squaresBuffers = { gradients: READ, parts: WRITE };

function squaresKernel(length: number): Kernel<typeof squaresBuffers> {
  const code = `${sumFunction('sum1', 'f32', THREADS)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = group.x * ${THREADS}u + lane; i < ${length}u; i += ${PARTS * THREADS}u) {
    sum = fma(gradients[i], gradients[i], sum);
  }
  sum = sum1(sum, lane);
  if (lane == 0u) { parts[group.x] = sum; }
}
`;
  return { label: 'sums of squares', buffers: squaresBuffers, code };
}

const normBuffers = { parts: READ, norm: WRITE };

function normKernel(): Kernel<typeof normBuffers> {
  const code = `${sumFunction('sum1', 'f32', PARTS)}
@compute @workgroup_size(${PARTS})
fn main(@builtin(local_invocation_index) lane: u32) {
  let sum = sum1(parts[lane], lane);
  if (lane == 0u) { norm[0] = sqrt(sum); }
}
`;
  return { label: 'gradient norm', buffers: normBuffers, code };
}

const adamwBuffers = { w: WRITE, g: READ, m: WRITE, v: WRITE, norm: READ };

/** m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w·decay − stepSize·m/(√v + ε) with g clipped. */
function adamwKernel(length: number): Kernel<typeof adamwBuffers> {
  const code = `${GROUP_INDEX_WGSL}@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  var factor = 1.0;
  if (u.clip > 0.0) { factor = min(1.0, u.clip / (norm[0] + 1e-6)); }
  let first = group_index(id, count) * ${GROUP_PARAMETERS}u + lane;
  for (var part = 0u; part < ${GROUP_PARAMETERS / THREADS}u; part++) {
    let i = first + part * ${THREADS}u;
    if (i >= ${length}u) { return; }
    let gradient = g[i] * factor;
    let mean = fma(u.keep1, gradient, u.beta1 * m[i]);
    let square = fma(u.keep2, gradient * gradient, u.beta2 * v[i]);
    m[i] = mean;
    v[i] = square;
    w[i] = fma(w[i], u.decay, -u.stepSize * mean / (sqrt(square) + u.eps));
  }
}
`;
  return { label: 'AdamW', buffers: adamwBuffers, code };
}
