/**
 * What a model starts from. 'random' is PyTorch's initialisation. 'least-squares' (AMN only) sets the residual's last
 * layer to zero and the position weights to their least-squares solution on the training windows, so that the first
 * step begins at a linear baseline. T context length, D vector width.
 */
import { inputShift, type GradientSpec, type InputShift } from '#shared/domain/models/models.ts';
import { CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { choleskyFactor, choleskySolve } from './evaluation/matrix.ts';
import { blocks, meanTarget, type Split } from './evaluation/windows.ts';
import { initialParameters } from './init.ts';
import type { NamedTensors, WindowSource } from './types.ts';

/** Pull of each dimension's weights towards those of all dimensions, as a share of its mean squared input. */
const SHRINKAGE = 0.05;

const RESIDUAL_HEAD = ['residual_net.6.weight', 'residual_net.6.bias'];

export function startParameters(start: Recipe['start'], spec: GradientSpec, seed: number, train: Split): NamedTensors {
  const parameters = initialParameters(spec, seed);
  const inputs = inputShift(spec);
  const mean = inputs === 'centred' ? meanTarget(train) : undefined;
  if (mean) parameters.set(CORPUS_MEAN, mean);
  if (start === 'random') return parameters;
  if (spec.type !== 'amn') throw new RangeError(`Start "${start}" is known for AMN only, not for ${spec.type}.`);
  for (const name of RESIDUAL_HEAD) parameters.get(name)!.fill(0);
  if (spec.skip) parameters.set('position_weights', fitPositionWeights(shifted(train, inputs, mean)));
  return parameters;
}

/** The windows as the network sees them: contexts and targets less the mean of the context, or less `mean`. */
function shifted({ source, ids }: Split, inputs: InputShift | undefined, mean?: Float32Array): Split {
  if (inputs === undefined) return { source, ids };
  const { windows, T, D } = source;
  const gather: WindowSource['gather'] = (of, contexts, targets) => {
    source.gather(of, contexts, targets);
    for (let b = 0; b < of.length; b++) {
      const context = contexts.subarray(b * T * D, (b + 1) * T * D);
      const shift = mean ?? meanRow(context, T, D);
      for (let i = 0; i < context.length; i++) context[i] -= shift[i % D];
      for (let d = 0; d < D; d++) targets[b * D + d] -= shift[d];
    }
  };
  return { source: { windows, T, D, gather }, ids };
}

/** Mean of T rows of D values. */
function meanRow(rows: Float32Array, T: number, D: number): Float32Array {
  const mean = new Float32Array(D);
  for (let i = 0; i < rows.length; i++) mean[i % D] += rows[i] / T;
  return mean;
}

/**
 * Weights w [T, D] that minimise Σ (y_d − Σ_t w_td·x_td)² for each dimension d, pulled towards the T weights that are
 * best for all dimensions together. Normal equations in float64.
 */
export function fitPositionWeights(train: Split): Float32Array<ArrayBuffer> {
  const { T, D } = train.source;
  const { gram, moment } = normalEquations(train);
  const shared = solve(sumOver(gram, T * T, D), sumOver(moment, T, D), T);
  const weights = new Float32Array(T * D);
  for (let d = 0; d < D; d++) {
    const matrix = gram.slice(d * T * T, (d + 1) * T * T);
    const right = moment.slice(d * T, (d + 1) * T);
    let trace = 0;
    for (let t = 0; t < T; t++) trace += matrix[t * T + t];
    const pull = SHRINKAGE * (trace / T);
    for (let t = 0; t < T; t++) {
      matrix[t * T + t] += pull;
      right[t] += pull * shared[t];
    }
    const solved = trace > 0 ? solve(matrix, right, T) : shared;
    for (let t = 0; t < T; t++) weights[t * D + d] = solved[t];
  }
  return weights;
}

/** Per dimension, Σ x_s·x_t [D, T, T] and Σ x_t·y [D, T] over the windows. */
function normalEquations(train: Split): { gram: Float64Array; moment: Float64Array } {
  const { T, D } = train.source;
  const gram = new Float64Array(D * T * T);
  const moment = new Float64Array(D * T);
  for (const { contexts, targets, B } of blocks(train)) {
    for (let b = 0; b < B; b++) {
      for (let s = 0; s < T; s++) {
        const xs = (b * T + s) * D;
        for (let d = 0; d < D; d++) moment[d * T + s] += contexts[xs + d] * targets[b * D + d];
        for (let t = 0; t <= s; t++) {
          const xt = (b * T + t) * D;
          for (let d = 0, g = s * T + t; d < D; d++, g += T * T) gram[g] += contexts[xs + d] * contexts[xt + d];
        }
      }
    }
  }
  for (let d = 0; d < D; d++) {
    for (let s = 0; s < T; s++) for (let t = s + 1; t < T; t++) gram[(d * T + s) * T + t] = gram[(d * T + t) * T + s];
  }
  return { gram, moment };
}

/** Sum of D consecutive groups of `size` numbers. */
function sumOver(values: Float64Array, size: number, D: number): Float64Array {
  const sum = new Float64Array(size);
  for (let d = 0; d < D; d++) for (let i = 0; i < size; i++) sum[i] += values[d * size + i];
  return sum;
}

/** Solves matrix·w = right for w [T]; a singular matrix (repeated rows) gets a trace of ridge. */
function solve(matrix: Float64Array, right: Float64Array, T: number): Float64Array {
  const factor = matrix.slice();
  let trace = 0;
  for (let t = 0; t < T; t++) trace += factor[t * T + t];
  for (let t = 0; t < T; t++) factor[t * T + t] += 1e-9 * trace + Number.MIN_VALUE;
  choleskyFactor(factor, T);
  const solution = right.slice();
  choleskySolve(factor, T, solution, 1);
  return solution;
}
