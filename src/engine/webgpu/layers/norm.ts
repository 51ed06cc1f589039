/**
 * LayerNorm: y = γ·x̂ + β with x̂ = (h − mean)/√(var + ε), over R rows of F values for each item of the batch. How h is
 * computed, and where its gradient goes, is WGSL of the layer that uses it.
 */
import type { Parameter, ParameterBank } from '../bank.ts';
import { grid, READ, WRITE, type Buffers } from '../kernel.ts';
import { sumFunction } from '../losses/reduce.ts';
import type { Memory, Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowCount, rowsOf, rowStart, type Rows } from '../rows.ts';
import { rowKernel, threadsForRow } from '../wgsl.ts';

const EPS = 1e-5;
/** Features of one workgroup of the γ, β gradient, and threads that share each of them. */
const FEATURES = 8;
const FEATURE_THREADS = 32;

export interface NormSizes {
  readonly F: number;
  readonly R: number;
  readonly maxB: number;
}

/** The part of a kernel that differs from layer to layer. */
interface NormKernel {
  readonly label: string;
  readonly buffers: Buffers;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly declarations?: string;
  /** Statements before the loops; they see the row `b` and `row`, the first element of contiguous rows. */
  readonly prologue?: string;
}

interface ForwardKernel extends NormKernel {
  /** h at feature `f`. */
  readonly value: string;
}

interface BackwardKernel extends NormKernel {
  /** Statements that use `dh` at feature `f`. */
  readonly store: string;
}

export class LayerNorm {
  readonly y: Rows;
  private readonly name: string;
  private readonly F: number;
  private readonly R: number;
  private readonly gamma: Parameter;
  private readonly beta: Parameter;
  /** x̂ */
  private readonly normalised: Tensor;
  /** 1/√(var + ε) of each row. */
  private readonly inverse: Tensor;

  constructor(bank: ParameterBank, memory: Memory, name: string, { F, R, maxB }: NormSizes) {
    this.name = name;
    this.F = F;
    this.R = R;
    this.gamma = bank.vector(`${name}.weight`, F);
    this.beta = bank.vector(`${name}.bias`, F);
    this.y = rowsOf(memory.tensor(`${name} y`, maxB * R * F), F, R);
    this.normalised = memory.tensor(`${name} normalised`, maxB * R * F);
    this.inverse = memory.tensor(`${name} inverse`, maxB * R);
  }

  forward(program: Program, kernel: ForwardKernel): void {
    const { F, R, gamma, beta, normalised, inverse } = this;
    const { label, declarations = '', prologue = '', value } = kernel;
    const threads = threadsForRow(F);
    const body = `let row = b * ${F}u;
  ${prologue}
  var sum = 0.0;
  ${loop(F)} {
    let value = ${value};
    normalised[row + f] = value;
    sum += value;
  }
  let mean = sum1(sum, lane) / ${F}.0;
  var squares = 0.0;
  ${loop(F)} {
    let away = normalised[row + f] - mean;
    squares = fma(away, away, squares);
  }
  let inverse = 1.0 / sqrt(sum1(squares, lane) / ${F}.0 + ${EPS});
  if (lane == 0u) { inverses[b] = inverse; }
  ${loop(F)} {
    let away = (normalised[row + f] - mean) * inverse;
    normalised[row + f] = away;
    y[row + f] = fma(away, gamma[f], beta[f]);
  }`;
    const buffers = { ...kernel.buffers, normalised: WRITE, y: WRITE, inverses: WRITE, gamma: READ, beta: READ };
    const own = { normalised, y: this.y.tensor, inverses: inverse, gamma: gamma.w, beta: beta.w };
    const sums = sumFunction('sum1', 'f32', threads);
    program.add(
      rowKernel({ label, buffers, R, threads, declarations: sums + declarations, body }),
      { ...kernel.tensors, ...own },
      (B) => grid(B * R),
    );
  }

  /** From the gradient on y to that on h and to those of γ and β. */
  backward(program: Program, dy: Rows, kernel: BackwardKernel): void {
    const { F, R, gamma, normalised, inverse } = this;
    const { label, declarations = '', prologue = '', store } = kernel;
    const threads = threadsForRow(F);
    const body = `let row = b * ${F}u;
  let dy_row = ${rowStart(dy, 'b')};
  ${prologue}
  var sums = vec2<f32>();
  ${loop(F)} {
    let g = dy[dy_row + f] * gamma[f];
    sums += vec2<f32>(g, g * normalised[row + f]);
  }
  sums = sum2(sums, lane) / ${F}.0;
  ${loop(F)} {
    let dh = inverses[b] * (dy[dy_row + f] * gamma[f] - sums.x - normalised[row + f] * sums.y);
    ${store}
  }`;
    const buffers = { ...kernel.buffers, dy: READ, normalised: READ, inverses: READ, gamma: READ };
    const own = { dy: dy.tensor, normalised, inverses: inverse, gamma: gamma.w };
    const sums = sumFunction('sum2', 'vec2<f32>', threads);
    program.add(
      rowKernel({ label, buffers, R, threads, declarations: sums + declarations, body }),
      { ...kernel.tensors, ...own },
      (B) => grid(B * R),
    );
    this.addWeightGradient(program, dy);
  }

  /** dγ[f] = Σ_r dy·x̂, dβ[f] = Σ_r dy. */
  private addWeightGradient(program: Program, dy: Rows): void {
    const { F, gamma, beta, normalised } = this;
    const threads = FEATURES * FEATURE_THREADS;
    const code = `var<workgroup> sums: array<vec2<f32>, ${threads}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let f = group.x * ${FEATURES}u + lane % ${FEATURES}u;
  var sum = vec2<f32>();
  for (var r = lane / ${FEATURES}u; r < select(0u, ${rowCount(dy)}, f < ${F}u); r += ${FEATURE_THREADS}u) {
    let g = dy[${rowStart(dy, 'r')} + f];
    sum += vec2<f32>(g * normalised[r * ${F}u + f], g);
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane >= ${FEATURES}u || f >= ${F}u) { return; }
  for (var i = 1u; i < ${FEATURE_THREADS}u; i++) { sum += sums[i * ${FEATURES}u + lane]; }
  dgamma[f] = sum.x;
  dbeta[f] = sum.y;
}
`;
    const buffers = { dy: READ, normalised: READ, dgamma: WRITE, dbeta: WRITE };
    const tensors = { dy: dy.tensor, normalised, dgamma: gamma.g, dbeta: beta.g };
    program.add({ label: `${this.name} weight gradient`, buffers, code }, tensors, () => [Math.ceil(F / FEATURES)]);
  }
}

function loop(F: number): string {
  return `for (var f = lane; f < ${F}u; f += ${threadsForRow(F)}u)`;
}
