/**
 * Causal multi-head attention between projected queries, keys and values, one workgroup for each item and head. T
 * positions, queries from position `first` on, S features a head. Weights [maxB][heads][T][T] are kept for the backward
 * pass; those of a step that no query has are never read.
 */
import { GROUP_INDEX_WGSL, READ, WRITE, type Kernel } from '../kernel.ts';
import type { Rows } from '../rows.ts';

const THREADS = 64;

export interface AttentionShape {
  readonly T: number;
  readonly first: number;
  readonly heads: number;
  readonly S: number;
  /** Queries [T − first rows]; keys, then values, in the columns of `keys` [T rows]. */
  readonly queries: Rows;
  readonly keys: Rows;
}

/** WGSL: element of feature `s` of the head `n` of a row that begins at `first`. */
function place({ offset, itemStride, rowStride }: Rows, S: number, step: string): string {
  return `${offset}u + b * ${itemStride}u + (${step}) * ${rowStride}u + n * ${S}u`;
}

/** Places of heads, the mask's element, and the loops that all parts need. */
function declarations({ T, first, heads, S, queries, keys }: AttentionShape): string {
  return `${GROUP_INDEX_WGSL}
fn query_at(b: u32, n: u32, i: u32) -> u32 { return ${place(queries, S, `i - ${first}u`)}; }
fn key_at(b: u32, n: u32, j: u32) -> u32 { return ${place(keys, S, 'j')}; }
fn value_at(b: u32, n: u32, j: u32) -> u32 { return key_at(b, n, j) + ${heads * S}u; }
/** Rows of the attention's output and its gradient are contiguous. */
fn mixed_at(b: u32, n: u32, i: u32) -> u32 {
  return (b * ${T - first}u + i - ${first}u) * ${heads * S}u + n * ${S}u;
}
fn keep_pair(b: u32, n: u32, i: u32, j: u32) -> f32 {
  return keep((((b / 8u * ${heads}u + n) * ${T}u + i) * ${T}u + j) * 8u + b % 8u);
}
`;
}

function entryPoint({ T, heads }: AttentionShape, body: string): string {
  return `@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let unit = group_index(id, count);
  let b = unit / ${heads}u;
  let n = unit % ${heads}u;
  if (b >= u.B) { return; }
  let row = unit * ${T * T}u;
  ${body}
}
`;
}

/** Runs `body` for each pair of a query i and a key j ≤ i. */
function forPairs({ T, first }: AttentionShape, body: string): string {
  return `for (var pair = lane; pair < ${(T - first) * T}u; pair += ${THREADS}u) {
    let i = ${first}u + pair / ${T}u;
    let j = pair % ${T}u;
    if (j > i) { continue; }
    ${body}
  }
  storageBarrier();`;
}

/** Runs `body` for each query i; `at` is its first weight. */
function forQueries({ T, first }: AttentionShape, body: string): string {
  return `for (var i = ${first}u + lane; i < ${T}u; i += ${THREADS}u) {
    let at = row + i * ${T}u;
    ${body}
  }
  storageBarrier();`;
}

/** Runs `body` for each feature s of `steps` rows of a head. */
function forFeatures({ S }: AttentionShape, steps: number, body: string): string {
  return `for (var feature = lane; feature < ${steps * S}u; feature += ${THREADS}u) {
    let step = feature / ${S}u;
    let s = feature % ${S}u;
    ${body}
  }`;
}

const forwardBuffers = { queries: READ, keys: READ, weights: WRITE, mixed: WRITE };

/** mixed_i = Σ_{j≤i} mask·w_ij·v_j with w_i = softmax(q_i·k_j/√S). `keep` is the WGSL of the mask. */
export function forwardKernel(shape: AttentionShape, keep: string): Kernel<typeof forwardBuffers> {
  const { T, first, S } = shape;
  const body = `${forPairs(
    shape,
    `let query = query_at(b, n, i);
    let key = key_at(b, n, j);
    var sum = 0.0;
    for (var s = 0u; s < ${S}u; s++) { sum = fma(queries[query + s], keys[key + s], sum); }
    weights[row + i * ${T}u + j] = sum * ${1 / Math.sqrt(S)};`,
  )}
  ${forQueries(
    shape,
    `var top = weights[at];
    for (var j = 1u; j <= i; j++) { top = max(top, weights[at + j]); }
    var sum = 0.0;
    for (var j = 0u; j <= i; j++) {
      let e = exp(weights[at + j] - top);
      weights[at + j] = e;
      sum += e;
    }
    for (var j = 0u; j <= i; j++) { weights[at + j] /= sum; }`,
  )}
  ${forFeatures(
    shape,
    T - first,
    `let i = ${first}u + step;
    var sum = 0.0;
    for (var j = 0u; j <= i; j++) {
      sum = fma(weights[row + i * ${T}u + j] * keep_pair(b, n, i, j), keys[value_at(b, n, j) + s], sum);
    }
    mixed[mixed_at(b, n, i) + s] = sum;`,
  )}`;
  const code = keep + declarations(shape) + entryPoint(shape, body);
  return { label: 'attention', buffers: forwardBuffers, code };
}

/**
 * Gradients of queries, keys and values, laid out as these. `isJoint`: all three are one matrix, `dkeys`. `slopes` has
 * room for as many values as `weights`.
 */
export function backwardKernel(shape: AttentionShape, keep: string, isJoint: boolean): Kernel {
  const { T, first, S } = shape;
  const dqueries = isJoint ? 'dkeys' : 'dqueries';
  const weight = `row + i * ${T}u + j`;
  const body = `${forPairs(
    shape,
    `let out = mixed_at(b, n, i);
    let value = value_at(b, n, j);
    var sum = 0.0;
    for (var s = 0u; s < ${S}u; s++) { sum = fma(dmixed[out + s], keys[value + s], sum); }
    slopes[${weight}] = sum * keep_pair(b, n, i, j);`,
  )}
  ${forQueries(
    shape,
    `var mean = 0.0;
    for (var j = 0u; j <= i; j++) { mean = fma(weights[at + j], slopes[at + j], mean); }
    for (var j = 0u; j <= i; j++) {
      slopes[at + j] = weights[at + j] * (slopes[at + j] - mean) * ${1 / Math.sqrt(S)};
    }`,
  )}
  ${forFeatures(
    shape,
    T - first,
    `let i = ${first}u + step;
    var sum = 0.0;
    for (var j = 0u; j <= i; j++) { sum = fma(slopes[${weight}], keys[key_at(b, n, j) + s], sum); }
    ${dqueries}[query_at(b, n, i) + s] = sum;`,
  )}
  ${forFeatures(
    shape,
    T,
    `let j = step;
    var dkey = 0.0;
    var dvalue = 0.0;
    for (var i = max(j, ${first}u); i < ${T}u; i++) {
      dkey = fma(slopes[${weight}], queries[query_at(b, n, i) + s], dkey);
      dvalue = fma(weights[${weight}] * keep_pair(b, n, i, j), dmixed[mixed_at(b, n, i) + s], dvalue);
    }
    dkeys[key_at(b, n, j) + s] = dkey;
    dkeys[value_at(b, n, j) + s] = dvalue;`,
  )}`;
  const buffers = {
    queries: READ,
    keys: READ,
    weights: READ,
    dmixed: READ,
    slopes: WRITE,
    dkeys: WRITE,
    ...(isJoint ? {} : { dqueries: WRITE }),
  };
  return { label: 'attention backward', buffers, code: keep + declarations(shape) + entryPoint(shape, body) };
}
