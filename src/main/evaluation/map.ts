/**
 * The map of a data set's vectors: a sample spread evenly over the set, laid out in the plane, with the article, the side
 * of the split and, through a proven checkpoint, the cosine of the prediction for each. Runs in a data worker. D width.
 */
import { score } from '#engine/evaluation/score.ts';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import type { Split } from '#shared/domain/recipe/recipe.ts';
import { MOST_MAPPED, type MapMethod, type VectorMap } from '#shared/domain/datasets/vector-map.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { pcaPlane, umapPlane, type PlaneProgress } from '../datasets/measures/projection.ts';
import { splitDataset } from '../datasets/split/split.ts';
import { bestCheckpoint, ownSplits, refuseOtherShape } from './evaluate.ts';
import type { EvaluateJob, MapJob } from '../processes/jobs/evaluation.ts';
import { openCheckpoint } from './model.ts';
import { proveParity } from './parity.ts';

const MAX_BATCH = 256;
const TRAIN = 1;
const VALIDATION = 2;

export async function mapVectors(job: MapJob, progress: PlaneProgress): Promise<VectorMap> {
  using set = openDataset(job.folder);
  const ids = sampleIds(set.fileVectors);
  progress('reading vectors', null);
  const X = new Float32Array(ids.length * set.D);
  (await set.verified()).gather(ids, X);
  const plane = await layOut(job.method, X, set.D, progress);
  progress('asking the model', null);
  const cosine = job.evaluate && (await targetCosines(job.evaluate, set, ids));
  return {
    method: job.method,
    ...plane,
    vector: Float64Array.from(ids),
    article: articlesOf(set, ids),
    side: job.split && sidesOf(set, ids, job.split, job.seed),
    cosine,
    vectors: set.fileVectors,
    splitOf: job.splitOf,
  };
}

function layOut(method: MapMethod, X: Float32Array, D: number, progress: PlaneProgress) {
  if (method === 'umap') return umapPlane(X, D, progress);
  progress('principal components', null);
  return pcaPlane(X, D);
}

/** Spread evenly over the set, ascending. */
function sampleIds(vectors: number): Uint32Array {
  const n = Math.min(vectors, MOST_MAPPED);
  return Uint32Array.from({ length: n }, (_, i) => Math.floor((i * vectors) / n));
}

function articlesOf({ vectorArticles, articleLabels }: Dataset, ids: Uint32Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(ids, (id) => articleLabels?.[vectorArticles[id]] ?? Number.NaN);
}

/** Bit mask of the split sides that contain each sampled vector; null where the set has no such split. */
function sidesOf(set: Dataset, ids: Uint32Array, split: Split, seed: number): Float32Array<ArrayBuffer> | null {
  const sides = new Uint8Array(set.meta.vectors);
  const mark = (windows: Uint32Array, side: number): void => {
    for (const w of windows) for (let t = 0; t <= set.T; t++) sides[set.index[w * (set.T + 1) + t]] |= side;
  };
  try {
    const { train, val } = splitDataset(set, split, seed);
    mark(train, TRAIN);
    mark(val, VALIDATION);
  } catch (error) {
    if (isNextvecError(error)) return null;
    throw error;
  }
  return Float32Array.from(ids, (id) => sides[id]);
}

/** Cosine of prediction and target of one window for each drawn vector that is a target; the others are NaN. */
async function targetCosines(job: EvaluateJob, set: Dataset, ids: Uint32Array): Promise<Float32Array<ArrayBuffer>> {
  const checkpoint = await bestCheckpoint(job);
  refuseOtherShape(checkpoint, set, job);
  using training = openDataset(job.datasetFolder);
  const rows = training.windows + ids.length;
  await using opened = await openCheckpoint(checkpoint, job, { maxBatch: MAX_BATCH, rows });
  await proveParity(opened.model, checkpoint, (await ownSplits(training, job)).validation);
  const windowOf = new Map<number, number>();
  for (let w = set.windows - 1; w >= 0; w--) windowOf.set(set.index[w * (set.T + 1) + set.T], w);
  const drawn = [...ids].flatMap((id, i) => (windowOf.has(id) ? [{ i, window: windowOf.get(id) ?? 0 }] : []));
  const windows = Uint32Array.from(drawn, ({ window }) => window);
  const cosines = new Float32Array(ids.length).fill(Number.NaN);
  if (drawn.length === 0) return cosines;
  const scored = await score(opened.model, { source: await set.source(), ids: windows });
  if (scored === null) throw new NextvecError('CANCELLED', 'The map was cancelled.');
  drawn.forEach(({ i }, row) => (cosines[i] = scored.cosines[row]));
  return cosines;
}
