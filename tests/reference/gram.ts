/** Plain float64 versions of the operations of the Gram mixture on rows of vectors. */

type Rows = readonly Float64Array[];

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function unitVector(x: Float64Array): Float64Array {
  const norm = Math.max(Math.sqrt(dot(x, x)), 1e-8);
  return x.map((value) => value / norm);
}

/** Σ_t w_t·x_t */
export function skip(x: Rows, w: ArrayLike<number>): Float64Array {
  return x[0].map((_, d) => x.reduce((sum, vector, t) => sum + w[t] * vector[d], 0));
}

/** unit(p − μ·(p·μ)/(μ·μ)) */
export function key(p: Float64Array, mu: Float64Array): Float64Array {
  const share = dot(p, mu) / dot(mu, mu);
  return unitVector(p.map((value, d) => value - share * mu[d]));
}

/** Numbers of the k keys with the largest products, best first, the earlier of equals first. */
export function nearest(query: Float64Array, keys: Rows, k: number): { id: number; similarity: number }[] {
  return keys
    .map((of, id) => ({ id, similarity: dot(query, of) }))
    .toSorted((a, b) => b.similarity - a.similarity || a.id - b.id)
    .slice(0, k);
}

/** Σ_j softmax_j(s_j/τ)·value_j */
export function neighbourMean(
  list: readonly { id: number; similarity: number }[],
  tau: number,
  values: Rows,
): Float64Array {
  const shares = list.map(({ similarity }) => Math.exp((similarity - list[0].similarity) / tau));
  const sum = shares.reduce((a, b) => a + b, 0);
  return values[0].map((_, d) => list.reduce((total, { id }, j) => total + (shares[j] / sum) * values[id][d], 0));
}

/** Products of all pairs of vectors, upper triangle row by row. */
export function pairProducts(vectors: Rows): number[] {
  return vectors.flatMap((a, i) => vectors.slice(i).map((b) => dot(a, b)));
}
