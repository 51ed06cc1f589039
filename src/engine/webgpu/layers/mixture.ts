/**
 * AMN's attention over the T context vectors: w = softmax(query·W_key·x_t/√A), mix = Σ_t w_t·x_t. The key product is moved
 * to the query: u = W_keyᵀ·query, scores u·x_t/√A. The key bias adds the same to all scores and has no gradient.
 */
import type { ParameterBank } from '../bank.ts';
import { grid, READ, WRITE, type Kernel } from '../kernel.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, type Rows } from '../rows.ts';
import { ROW_THREADS, rowKernel } from '../wgsl.ts';
import { Linear } from './linear.ts';

/** Threads that share one product of two vectors; a workgroup has several such teams. */
const LANES = 16;
const TEAMS = ROW_THREADS / LANES;

interface MixtureSizes {
  readonly T: number;
  readonly D: number;
  /** Width of queries and keys. */
  readonly A: number;
}

export class AttentionMixture {
  /** [B][T] */
  readonly weights: Rows;
  /** Gradient of the mix, written by the next layer. */
  readonly dmix: Rows;
  private readonly key: Linear;
  private readonly query: Linear;
  private readonly q: Rows;
  private readonly u: Rows;
  private readonly du: Rows;
  private readonly dq: Rows;
  private readonly sizes: MixtureSizes;

  constructor(bank: ParameterBank, memory: Memory, sizes: MixtureSizes, maxB: number) {
    const { T, D, A } = sizes;
    const rows = (name: string, columns: number) => rowsOf(memory.tensor(name, maxB * columns), columns);
    this.sizes = sizes;
    this.key = new Linear(bank, 'context_encoder', D, A);
    this.query = new Linear(bank, 'query_encoder', D, A);
    this.weights = rows('attention weights', T);
    this.q = rows('query', A);
    this.u = rows('query over contexts', D);
    this.du = rows('du', D);
    this.dq = rows('dq', A);
    this.dmix = rows('dmix', D);
  }

  /** `base`: what the query is made of; `mix`: written, of the same matrix. */
  forward(program: Program, contexts: Rows, base: Rows, mix: Rows): void {
    this.query.forward(program, base, this.q);
    this.key.backwardInput(program, this.q, this.u);
    const tensors = {
      contexts: contexts.tensor,
      query: this.u.tensor,
      weights: this.weights.tensor,
      mix: mix.tensor,
    };
    program.add(forwardKernel(this.sizes, mix), tensors, grid);
  }

  /** From `dmix` to the gradients of the two Linears. */
  backward(program: Program, contexts: Rows, base: Rows): void {
    const tensors = {
      contexts: contexts.tensor,
      query: this.dmix.tensor,
      weights: this.weights.tensor,
      du: this.du.tensor,
    };
    program.add(backwardKernel(this.sizes), tensors, grid);
    this.key.forward(program, this.du, this.dq, { bias: false });
    this.key.backwardWeight(program, this.du, this.q, { bias: false });
    this.query.backwardWeight(program, base, this.dq);
  }
}

/** `products[t]` = query·x_t for all t. */
function contextProducts({ T, D }: MixtureSizes): string {
  return `var<workgroup> products: array<f32, ${T}>;
var<workgroup> parts: array<f32, ${ROW_THREADS}>;
fn multiply(b: u32, lane: u32) {
  let part = lane % ${LANES}u;
  for (var first = 0u; first < ${T}u; first += ${TEAMS}u) {
    let t = first + lane / ${LANES}u;
    var sum = 0.0;
    for (var d = part; d < select(0u, ${D}u, t < ${T}u); d += ${LANES}u) {
      sum = fma(query[b * ${D}u + d], contexts[(b * ${T}u + t) * ${D}u + d], sum);
    }
    parts[lane] = sum;
    for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (part < half) { parts[lane] += parts[lane + half]; }
    }
    if (part == 0u && t < ${T}u) { products[t] = parts[lane]; }
    workgroupBarrier();
  }
}
`;
}

/** WGSL: `Σ_t factor(t)·x_t` at dimension `d`. */
function mixOf({ T, D }: MixtureSizes): string {
  return `fn mixed(b: u32, d: u32) -> f32 {
  var sum = 0.0;
  for (var t = 0u; t < ${T}u; t++) { sum = fma(products[t], contexts[(b * ${T}u + t) * ${D}u + d], sum); }
  return sum;
}
`;
}

const forwardBuffers = { contexts: READ, query: READ, weights: WRITE, mix: WRITE };

function forwardKernel(sizes: MixtureSizes, mix: Rows): Kernel<typeof forwardBuffers> {
  const { T, D, A } = sizes;
  const body = `multiply(b, lane);
  if (lane == 0u) {
    var top = products[0];
    for (var t = 1u; t < ${T}u; t++) { top = max(top, products[t]); }
    var sum = 0.0;
    for (var t = 0u; t < ${T}u; t++) {
      products[t] = exp((products[t] - top) * ${1 / Math.sqrt(A)});
      sum += products[t];
    }
    for (var t = 0u; t < ${T}u; t++) {
      products[t] /= sum;
      weights[b * ${T}u + t] = products[t];
    }
  }
  workgroupBarrier();
  for (var d = lane; d < ${D}u; d += ${ROW_THREADS}u) {
    mix[${mix.offset}u + b * ${mix.itemStride}u + d] = mixed(b, d);
  }`;
  const declarations = contextProducts(sizes) + mixOf(sizes);
  return rowKernel({ label: 'mix', buffers: forwardBuffers, declarations, body });
}

const backwardBuffers = { contexts: READ, query: READ, weights: READ, du: WRITE };

/** du = Σ_t ds_t·x_t/√A with ds the gradient of the scores; `query` is dmix, whose product with x_t is that of w_t. */
function backwardKernel(sizes: MixtureSizes): Kernel<typeof backwardBuffers> {
  const { T, D, A } = sizes;
  const body = `multiply(b, lane);
  if (lane == 0u) {
    var mean = 0.0;
    for (var t = 0u; t < ${T}u; t++) { mean = fma(products[t], weights[b * ${T}u + t], mean); }
    for (var t = 0u; t < ${T}u; t++) {
      products[t] = weights[b * ${T}u + t] * (products[t] - mean) * ${1 / Math.sqrt(A)};
    }
  }
  workgroupBarrier();
  for (var d = lane; d < ${D}u; d += ${ROW_THREADS}u) { du[b * ${D}u + d] = mixed(b, d); }`;
  const declarations = contextProducts(sizes) + mixOf(sizes);
  return rowKernel({ label: 'mix backward', buffers: backwardBuffers, declarations, body });
}
