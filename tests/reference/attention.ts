/**
 * Plain float64 causal multi-head attention. B rows of T positions of H = heads·S features; queries from position `first`
 * on. Matrices [position][row][feature], as the kernels see a sequence.
 */
import { softmax, softmaxGradient } from './activations.ts';

export interface AttentionShape {
  readonly B: number;
  readonly T: number;
  readonly first: number;
  readonly heads: number;
  readonly S: number;
}

/** Factor of the weight of query i and key j in a head of a row; 1 without dropout. */
export type AttentionMask = (row: number, head: number, i: number, j: number) => number;

interface Operands {
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
}

/** Visits every row and head with the place of its features in queries, keys and values. */
function eachQuery(
  { B, T, first, heads, S }: AttentionShape,
  visit: (b: number, head: number, i: number, query: number, key: (j: number) => number) => void,
): void {
  for (let b = 0; b < B; b++) {
    for (let head = 0; head < heads; head++) {
      const place = (step: number) => (step * B + b) * heads * S + head * S;
      for (let i = first; i < T; i++) visit(b, head, i, place(i - first), place);
    }
  }
}

function dot(a: ArrayLike<number>, at: number, b: ArrayLike<number>, bt: number, S: number): number {
  let sum = 0;
  for (let s = 0; s < S; s++) sum += a[at + s] * b[bt + s];
  return sum;
}

function weightsOf({ q, k }: Operands, S: number, i: number, query: number, key: (j: number) => number): Float64Array {
  return softmax(Float64Array.from({ length: i + 1 }, (_, j) => dot(q, query, k, key(j), S) / Math.sqrt(S)));
}

/** [T − first, B, H]. */
export function attention(operands: Operands, shape: AttentionShape, mask: AttentionMask): Float64Array {
  const { B, T, first, heads, S } = shape;
  const out = new Float64Array((T - first) * B * heads * S);
  eachQuery(shape, (b, head, i, query, key) => {
    weightsOf(operands, S, i, query, key).forEach((w, j) => {
      for (let s = 0; s < S; s++) out[query + s] += w * mask(b, head, i, j) * operands.v[key(j) + s];
    });
  });
  return out;
}

export function attentionGradient(
  operands: Operands,
  dout: ArrayLike<number>,
  shape: AttentionShape,
  mask: AttentionMask,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const { B, T, first, heads, S } = shape;
  const dq = new Float64Array((T - first) * B * heads * S);
  const dk = new Float64Array(T * B * heads * S);
  const dv = new Float64Array(T * B * heads * S);
  eachQuery(shape, (b, head, i, query, key) => {
    const w = weightsOf(operands, S, i, query, key);
    const dw = w.map((_, j) => mask(b, head, i, j) * dot(dout, query, operands.v, key(j), S));
    softmaxGradient(w, dw).forEach((ds, j) => {
      for (let s = 0; s < S; s++) {
        dv[key(j) + s] += w[j] * mask(b, head, i, j) * dout[query + s];
        dq[query + s] += (ds * operands.k[key(j) + s]) / Math.sqrt(S);
        dk[key(j) + s] += (ds * operands.q[query + s]) / Math.sqrt(S);
      }
    });
  });
  return { dq, dk, dv };
}
