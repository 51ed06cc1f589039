/** Linear → GELU → LayerNorm: y = γ·(h − mean)/√(var + ε) + β with h = GELU(z) and z = x·Wᵀ + b. Rows of F values. */
import type { Parameter, ParameterBank } from '../bank.ts';
import { grid, READ, WRITE, type Kernel } from '../kernel.ts';
import { sumFunction } from '../losses/reduce.ts';
import type { Memory, Tensor } from '../memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, type Rows } from '../rows.ts';
import { GELU_WGSL, ROW_THREADS, rowKernel } from '../wgsl.ts';
import { Linear } from './linear.ts';

const EPS = 1e-5;
/** Features of one workgroup of the γ, β gradient, and threads that share each of them. */
const FEATURES = 16;
const FEATURE_THREADS = 8;

export interface GeluNormNames {
  readonly linear: string;
  readonly norm: string;
}

export class GeluNorm {
  readonly y: Rows;
  /** Gradient of the output, written by the next layer. */
  readonly dy: Rows;
  private readonly linear: Linear;
  private readonly gamma: Parameter;
  private readonly beta: Parameter;
  private readonly F: number;
  private readonly z: Rows;
  private readonly dz: Rows;
  private readonly h: Tensor;
  /** Mean and 1/σ of each row [B][2]. */
  private readonly moments: Tensor;

  constructor(bank: ParameterBank, memory: Memory, names: GeluNormNames, inputs: number, F: number, maxB: number) {
    const rows = (name: string) => rowsOf(memory.tensor(`${names.norm} ${name}`, maxB * F), F);
    this.F = F;
    this.linear = new Linear(bank, names.linear, inputs, F);
    this.gamma = bank.vector(`${names.norm}.weight`, F);
    this.beta = bank.vector(`${names.norm}.bias`, F);
    this.y = rows('y');
    this.dy = rows('dy');
    this.z = rows('z');
    this.dz = rows('dz');
    this.h = memory.tensor(`${names.norm} h`, maxB * F);
    this.moments = memory.tensor(`${names.norm} moments`, maxB * 2);
  }

  forward(program: Program, x: Rows): void {
    const { F, h, moments } = this;
    this.linear.forward(program, x, this.z);
    const tensors = { z: this.z.tensor, h, y: this.y.tensor, moments, gamma: this.gamma.w, beta: this.beta.w };
    program.add(forwardKernel(F), tensors, grid);
  }

  /** From `dy` to the gradients of γ, β and of what GELU gets; call before the other backward parts. */
  backwardNorm(program: Program): void {
    const { F, h, moments } = this;
    const dy = this.dy.tensor;
    const row = { dy, h, z: this.z.tensor, dz: this.dz.tensor, moments, gamma: this.gamma.w };
    program.add(backwardKernel(F), row, grid);
    const weight = { dy, h, moments, dgamma: this.gamma.g, dbeta: this.beta.g };
    program.add(weightKernel(F), weight, () => [Math.ceil(F / FEATURES)]);
  }

  /** Gradient of the inputs from `first` on. */
  backwardInput(program: Program, dx: Rows, first = 0): void {
    this.linear.backwardInput(program, this.dz, dx, first);
  }

  backwardWeight(program: Program, x: Rows): void {
    this.linear.backwardWeight(program, x, this.dz);
  }
}

const forwardBuffers = { z: READ, h: WRITE, y: WRITE, moments: WRITE, gamma: READ, beta: READ };

function forwardKernel(F: number): Kernel<typeof forwardBuffers> {
  const loop = `for (var f = lane; f < ${F}u; f += ${ROW_THREADS}u)`;
  const body = `let row = b * ${F}u;
  var sum = 0.0;
  ${loop} {
    let value = gelu(z[row + f]);
    h[row + f] = value;
    sum += value;
  }
  let mean = sum1(sum, lane) / ${F}.0;
  var squares = 0.0;
  ${loop} {
    let away = h[row + f] - mean;
    squares = fma(away, away, squares);
  }
  let inverse = 1.0 / sqrt(sum1(squares, lane) / ${F}.0 + ${EPS});
  if (lane == 0u) {
    moments[2u * b] = mean;
    moments[2u * b + 1u] = inverse;
  }
  ${loop} { y[row + f] = fma((h[row + f] - mean) * inverse, gamma[f], beta[f]); }`;
  const declarations = GELU_WGSL + sumFunction('sum1', 'f32', ROW_THREADS);
  return rowKernel({ label: 'GELU and LayerNorm', buffers: forwardBuffers, declarations, body });
}

const backwardBuffers = { dy: READ, h: READ, z: READ, dz: WRITE, moments: READ, gamma: READ };

function backwardKernel(F: number): Kernel<typeof backwardBuffers> {
  const loop = `for (var f = lane; f < ${F}u; f += ${ROW_THREADS}u)`;
  const body = `let row = b * ${F}u;
  let mean = moments[2u * b];
  let inverse = moments[2u * b + 1u];
  var sums = vec4<f32>();
  ${loop} {
    let g = dy[row + f] * gamma[f];
    sums += vec4<f32>(g, g * (h[row + f] - mean) * inverse, 0.0, 0.0);
  }
  sums = sum4(sums, lane) / ${F}.0;
  ${loop} {
    let g = dy[row + f] * gamma[f];
    let normalised = (h[row + f] - mean) * inverse;
    dz[row + f] = inverse * (g - sums.x - normalised * sums.y) * gelu_gradient(z[row + f]);
  }`;
  const declarations = GELU_WGSL + sumFunction('sum4', 'vec4<f32>', ROW_THREADS);
  return rowKernel({ label: 'GELU and LayerNorm backward', buffers: backwardBuffers, declarations, body });
}

const weightBuffers = { dy: READ, h: READ, moments: READ, dgamma: WRITE, dbeta: WRITE };

/** dγ[f] = Σ_b dy·x̂, dβ[f] = Σ_b dy. */
function weightKernel(F: number): Kernel<typeof weightBuffers> {
  const threads = FEATURES * FEATURE_THREADS;
  const code = `var<workgroup> sums: array<vec2<f32>, ${threads}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let f = group.x * ${FEATURES}u + lane % ${FEATURES}u;
  var sum = vec2<f32>();
  for (var b = lane / ${FEATURES}u; b < select(0u, u.B, f < ${F}u); b += ${FEATURE_THREADS}u) {
    let g = dy[b * ${F}u + f];
    sum += vec2<f32>(g * (h[b * ${F}u + f] - moments[2u * b]) * moments[2u * b + 1u], g);
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane >= ${FEATURES}u || f >= ${F}u) { return; }
  for (var i = 1u; i < ${FEATURE_THREADS}u; i++) { sum += sums[i * ${FEATURES}u + lane]; }
  dgamma[f] = sum.x;
  dbeta[f] = sum.y;
}
`;
  return { label: 'LayerNorm weight gradient', buffers: weightBuffers, code };
}
