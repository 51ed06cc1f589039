/**
 * Passes over the training windows that fit the parts, for all folds at once: fold f holds out cluster f, fold C nothing.
 * C clusters, T context length, D width.
 */
import { choleskyFactor, choleskySolve } from '../evaluation/matrix.ts';
import { blocks } from '../evaluation/windows.ts';
import type { WindowSource } from '../types.ts';
import { loadWindows, pairProducts, type Windows } from './parts/blocks.ts';
import type { GramConfig } from './config.ts';
import { BLOCK_WINDOWS, type GramMemory } from './memory.ts';
import type { PartsComputer, PartsModel } from './parts/parts.ts';
import {
  addToRidgeSums,
  clearRidgeSums,
  readRidgeSums,
  solveFilter,
  solveRidge,
  type RidgeSums,
} from './parts/ridges.ts';

/** Called between blocks with the share done; may throw to stop. */
export type Progress = (fraction: number) => void | Promise<void>;

/** Windows in blocks of BLOCK_WINDOWS. */
export async function eachBlock(
  source: WindowSource,
  ids: Uint32Array,
  visit: (windows: Windows) => void | Promise<void>,
  progress: Progress = () => {},
): Promise<void> {
  for (const { contexts, targets, B, start } of blocks({ source, ids }, BLOCK_WINDOWS)) {
    await visit({ contexts, targets, count: B });
    await progress((start + B) / ids.length);
  }
}

/** Progress of piece `index` of `count` equal pieces. */
export function pieceOf(progress: Progress, index: number, count: number): Progress {
  return (fraction) => progress((index + fraction) / count);
}

export interface PositionFit {
  /** w = argmin Σ‖y − Σ_t w_t·x_t‖² over all training windows; shared by all folds. [T] */
  readonly weights: Float32Array;
  /** Mean target of each fold. [C + 1, D] */
  readonly means: Float32Array;
}

/** Position weights and mean targets; `clusters` are the window ids of each cluster. */
export async function fitPositions(
  memory: GramMemory,
  source: WindowSource,
  clusters: readonly Uint32Array[],
  progress: Progress,
): Promise<PositionFit> {
  const { T, D } = memory.shape;
  const pairs = ((T + 1) * (T + 2)) / 2;
  const products = new Float64Array(pairs);
  const sums = clusters.map(() => new Float64Array(D));
  for (const [c, ids] of clusters.entries()) {
    const add = (windows: Windows) => {
      loadWindows(memory, windows, T + 1);
      addRows(products, pairProducts(memory, windows.count, T + 1), windows.count, pairs);
      addTargets(sums[c], memory, windows.count);
    };
    await eachBlock(source, ids, add, pieceOf(progress, c, clusters.length));
  }
  return { weights: solvePositions(products, T), means: foldMeans(sums, clusters, D) };
}

function addRows(sum: Float64Array, rows: Float32Array, count: number, width: number): void {
  for (let row = 0, i = 0; row < count; row++) for (let k = 0; k < width; k++) sum[k] += rows[i++];
}

function addTargets(sum: Float64Array, memory: GramMemory, count: number): void {
  const { T, D } = memory.shape;
  const { vectors, L } = memory.plan;
  const rows = memory.floats(vectors, count * (T + 1) * L);
  for (let row = 0; row < count; row++) {
    const from = (row * (T + 1) + T) * L;
    for (let d = 0; d < D; d++) sum[d] += rows[from + d];
  }
}

/** Solves the T × T normal equations from Σ of the packed products of x_1 … x_T and y: upper triangle, row by row. [T] */
export function solvePositions(products: Float64Array, T: number): Float32Array {
  const matrix = new Float64Array(T * T);
  const right = new Float64Array(T);
  let trace = 0;
  for (let s = 0, i = 0; s < T; s++) {
    trace += products[i];
    for (let t = s; t < T; t++, i++) matrix[t * T + s] = products[i];
    right[s] = products[i++];
  }
  // Positions that repeat each other leave the weights undetermined; this picks the smallest of them.
  for (let t = 0; t < T; t++) matrix[t * T + t] += Math.max((1e-9 * trace) / T, Number.MIN_VALUE);
  choleskyFactor(matrix, T);
  choleskySolve(matrix, T, right, 1);
  return Float32Array.from(right);
}

function foldMeans(sums: readonly Float64Array[], clusters: readonly Uint32Array[], D: number): Float32Array {
  const C = clusters.length;
  const means = new Float32Array((C + 1) * D);
  for (let fold = 0; fold <= C; fold++) {
    const others = clusters.flatMap((ids, c) => (c === fold ? [] : [{ sum: sums[c], windows: ids.length }]));
    const windows = others.reduce((total, other) => total + other.windows, 0);
    for (let d = 0; d < D; d++) means[fold * D + d] = others.reduce((total, { sum }) => total + sum[d], 0) / windows;
  }
  return means;
}

/** Maps of all folds: ridges on p, each [D, D], those on [p, x_T], each [D, 2D], filters [D, D], one after another. */
export async function fitRidges(
  memory: GramMemory,
  { source, clusters, weights }: { source: WindowSource; clusters: readonly Uint32Array[]; weights: Float32Array },
  config: GramConfig,
  progress: Progress,
): Promise<Float32Array[]> {
  memory.floats(memory.plan.positionWeights, weights.length).set(weights);
  const sums: RidgeSums[] = [];
  for (const [c, ids] of clusters.entries()) {
    clearRidgeSums(memory);
    const summing = pieceOf(progress, c, 2 * clusters.length);
    await eachBlock(source, ids, (windows) => addToRidgeSums(memory, windows), summing);
    sums.push(readRidgeSums(memory));
  }
  const total = sums.reduce((a, b) => a.map((value, i) => value + b[i]));
  const maps: Float32Array[] = [];
  for (let fold = 0; fold <= clusters.length; fold++) {
    const others = fold < clusters.length ? total.map((value, i) => value - sums[fold][i]) : total;
    maps.push(solveFold(memory, others, config));
    await progress(0.5 + (0.5 * (fold + 1)) / (clusters.length + 1));
  }
  return maps;
}

function solveFold(memory: GramMemory, sums: RidgeSums, config: GramConfig): Float32Array {
  const { D } = memory.shape;
  const maps = [
    ...config.ridges.map((lambda) => solveRidge(memory, sums, 1, lambda)),
    ...config.pooledRidges.map((lambda) => solveRidge(memory, sums, 2, lambda)),
    ...config.filters.map((strength) => solveFilter(memory, sums, strength)),
  ];
  const joined = new Float32Array(mapsLength(config, D));
  let at = 0;
  for (const map of maps) {
    joined.set(map, at);
    at += map.length;
  }
  return joined;
}

function mapsLength({ ridges, pooledRidges, filters }: GramConfig, D: number): number {
  return (ridges.length + 2 * pooledRidges.length + filters.length) * D * D;
}

/** The maps that `fitRidges` joined. */
export function splitMaps(joined: Float32Array, { ridges, pooledRidges, filters }: GramConfig, D: number) {
  let at = 0;
  const take = (inputs: number) => joined.subarray(at, (at += inputs * D * D));
  return {
    ridges: ridges.map(() => take(1)),
    pooledRidges: pooledRidges.map(() => take(2)),
    filters: filters.map(() => take(1)),
  };
}

/** The parts fitted on some windows, without their keys; nothing is held out. */
export async function fitParts(
  memory: GramMemory,
  source: WindowSource,
  ids: Uint32Array,
  config: GramConfig,
  progress: Progress,
): Promise<PartsModel> {
  const { D } = memory.shape;
  const { weights, means } = await fitPositions(memory, source, [ids], pieceOf(progress, 0, 2));
  memory.floats(memory.plan.positionWeights, weights.length).set(weights);
  clearRidgeSums(memory);
  await eachBlock(source, ids, (windows) => addToRidgeSums(memory, windows), pieceOf(progress, 1, 2));
  const maps = solveFold(memory, readRidgeSums(memory), config);
  return { positionWeights: weights, mean: means.subarray(D), ...splitMaps(maps, config, D) };
}

/** Window ids whose keys are kept: all, or `maxKeys` evenly spaced ones. */
export function keyIds(ids: Uint32Array, maxKeys: number): Uint32Array {
  if (ids.length <= maxKeys) return ids;
  return Uint32Array.from({ length: maxKeys }, (_, i) => ids[Math.floor((i * ids.length) / maxKeys)]);
}

/** Gives the computer the keys and targets of evenly spaced windows. */
export async function addAllKeys(
  parts: PartsComputer,
  source: WindowSource,
  ids: Uint32Array,
  config: GramConfig,
  progress?: Progress,
): Promise<void> {
  if (config.neighbours.length === 0) return;
  await eachBlock(source, keyIds(ids, config.maxKeys), (windows) => parts.search.add(windows), progress);
}
