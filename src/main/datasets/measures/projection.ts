/**
 * A sample of vectors in the plane: principal components, or UMAP (umap-js) on the first few dozen of them. The same
 * sample and seed give the same picture. X [n, D] row-major float32, k leading directions.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UMAP } from 'umap-js';
import { stream } from '#engine/random.ts';
import { dot } from './passport.ts';
import { leadingSubspace } from './subspace.ts';

export interface Plane {
  readonly x: Float32Array<ArrayBuffer>;
  readonly y: Float32Array<ArrayBuffer>;
  /** Share of the variance along each axis; null where the axes have no such meaning. */
  readonly explained: [number, number] | null;
}

export type PlaneProgress = (phase: string, fraction: number | null) => void;

/** Directions iterated for the two leading ones, and the input width of UMAP: further ones hardly change its neighbours. */
const PCA_K = 10;
const UMAP_K = 32;
const NEIGHBOURS = 15;
const EPOCHS = 300;
const EPOCHS_A_TURN = 10;

export async function pcaPlane(X: Float32Array, D: number): Promise<Plane> {
  const { scores, variances, total } = await principalScores(X, D, PCA_K);
  const n = X.length / D;
  const column = (j: number) => Float32Array.from({ length: n }, (_, i) => scores[j]?.[i] ?? 0);
  const share = (j: number) => (total > 0 ? Math.min(1, (variances[j] ?? 0) / total) : 0);
  return { x: column(0), y: column(1), explained: [share(0), share(1)] };
}

export async function umapPlane(X: Float32Array, D: number, progress: PlaneProgress): Promise<Plane> {
  const n = X.length / D;
  // Too few points for a neighbourhood graph: principal components are used instead.
  if (n <= NEIGHBOURS) return { ...(await pcaPlane(X, D)), explained: null };
  progress('principal components', null);
  const { scores } = await principalScores(X, D, UMAP_K);
  const rows = Array.from({ length: n }, (_, i) => scores.map((score) => score[i]));
  const random = stream(0, 'evaluation', 2);
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: NEIGHBOURS,
    minDist: 0.1,
    nEpochs: EPOCHS,
    random: () => random.uniform(),
  });
  progress('nearest neighbours', null);
  await nextTurn();
  const epochs = umap.initializeFit(rows);
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    if (epoch % EPOCHS_A_TURN !== 0) continue;
    progress('laying out', epoch / epochs);
    await nextTurn();
  }
  const embedding = umap.getEmbedding();
  return {
    x: Float32Array.from(embedding, ([x]) => x),
    y: Float32Array.from(embedding, ([, y]) => y),
    explained: null,
  };
}

interface Scores {
  /** Coordinates along each principal direction, the strongest first; k arrays of n. */
  readonly scores: readonly Float64Array[];
  /** Variance along each, and over all D directions. */
  readonly variances: readonly number[];
  readonly total: number;
}

/** Centred; the directions of the iterated subspace are turned so that they are those of largest variance in it. */
async function principalScores(X: Float32Array, D: number, most: number): Promise<Scores> {
  const n = X.length / D;
  const k = Math.min(most, D, n);
  const centred = centre(X, D);
  const total = centred.reduce((sum, value) => sum + value * value, 0) / Math.max(n, 1);
  const basis = await leadingSubspace(centred, D, k, stream(0, 'evaluation'));
  const along = Array.from({ length: k }, (_, j) =>
    Float64Array.from({ length: n }, (__, i) => dot(centred, i * D, basis, j * D, D)),
  );
  const covariance = along.map((a) => along.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0) / n));
  const { values, vectors } = symmetricEigen(covariance);
  const order = values.map((_, j) => j).toSorted((a, b) => values[b] - values[a]);
  const scores = order.map((j) =>
    Float64Array.from({ length: n }, (_, i) => along.reduce((sum, a, m) => sum + a[i] * vectors[m][j], 0)),
  );
  return { scores, variances: order.map((j) => values[j]), total };
}

function centre(X: Float32Array, D: number): Float32Array {
  const n = X.length / D;
  const mean = new Float64Array(D);
  for (let i = 0; i < X.length; i++) mean[i % D] += X[i] / n;
  return X.map((value, i) => value - mean[i % D]);
}

const SWEEPS = 30;

/** Eigenvalues and column eigenvectors of a small symmetric matrix, by Jacobi rotations. */
export function symmetricEigen(matrix: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const k = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  const size = Math.sqrt(a.flat().reduce((sum, value) => sum + value * value, 0));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) off += a[p][q] ** 2;
    if (Math.sqrt(off) <= 1e-14 * size) break;
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) rotate(a, vectors, p, q);
  }
  return { values: a.map((row, i) => row[i]), vectors };
}

/** Turns rows and columns p and q of `a` so that a[p][q] becomes 0, and the vectors with them. */
function rotate(a: number[][], vectors: number[][], p: number, q: number): void {
  if (a[p][q] === 0) return;
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of [...a, ...vectors]) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  for (let j = 0; j < a.length; j++) [a[p][j], a[q][j]] = [c * a[p][j] - s * a[q][j], s * a[p][j] + c * a[q][j]];
}
