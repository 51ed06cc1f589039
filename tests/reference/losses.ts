/**
 * The loss terms and their gradients on the model output, written plainly in float64: what every engine is checked
 * against. Not used for training. B rows, D width, T context length; matrices are row-major.
 */
import { TERMS, type LossConfig, type Term } from '#shared/domain/models/terms.ts';

const MIN_NORM = 1e-12;

export interface LossInput {
  /** Model output [B, D]. */
  readonly raw: ArrayLike<number>;
  /** [B, D] */
  readonly target: ArrayLike<number>;
  /** [B, T, D] */
  readonly context: ArrayLike<number>;
  readonly B: number;
  readonly T: number;
  readonly D: number;
}

export interface LossTerm {
  /** NaN where the batch does not define the term. */
  readonly value: number;
  /** ∂value/∂raw [B, D], unweighted; zero where undefined. */
  readonly gradient: Float64Array;
}

/** Every term by itself, unweighted. */
export function lossTerms(input: LossInput, config: LossConfig): Record<Term, LossTerm> {
  const unit = unitVectors(input);
  return {
    mse: mse(input),
    info_nce: infoNce(input, unit, config.tau),
    moment: moment(input),
    variance: variance(input, unit, config.varianceTarget),
    directional: directional(input, unit, config.marginDirectional),
    anti_copy: antiCopy(input, unit, config.marginAntiCopy),
    cosine: cosine(input, unit),
  };
}

/** Σ λ·term and its gradient on raw; terms that the batch does not define take no part. */
export function totalLoss(input: LossInput, config: LossConfig): LossTerm {
  const terms = lossTerms(input, config);
  const gradient = new Float64Array(input.B * input.D);
  let value = 0;
  for (const term of TERMS) {
    const lambda = config.weights[term];
    if (lambda === 0 || Number.isNaN(terms[term].value)) continue;
    value += lambda * terms[term].value;
    terms[term].gradient.forEach((g, i) => (gradient[i] += lambda * g));
  }
  return { value, gradient };
}

interface UnitVectors {
  readonly prediction: Float64Array;
  readonly target: Float64Array;
  readonly context: Float64Array;
  /** |raw| of each row, at least 1e-12. */
  readonly norms: Float64Array;
}

function unitVectors({ raw, target, context, B, T, D }: LossInput): UnitVectors {
  return {
    prediction: normalised(raw, B, D),
    target: normalised(target, B, D),
    context: normalised(context, B * T, D),
    norms: Float64Array.from({ length: B }, (_, b) => rowNorm(raw, b, D)),
  };
}

function rowNorm(x: ArrayLike<number>, row: number, D: number): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += x[row * D + d] ** 2;
  return Math.max(Math.sqrt(sum), MIN_NORM);
}

/** x / max(|x|, 1e-12) of every row. */
export function normalised(x: ArrayLike<number>, rows: number, D: number): Float64Array {
  const unit = new Float64Array(rows * D);
  for (let r = 0; r < rows; r++) {
    const norm = rowNorm(x, r, D);
    for (let d = 0; d < D; d++) unit[r * D + d] = x[r * D + d] / norm;
  }
  return unit;
}

/** Gradient on raw from the gradient on raw/|raw|: (g − (g·p)p)/|raw|. */
export function throughNormalise(g: Float64Array, { prediction, norms }: UnitVectors, D: number): Float64Array {
  const gradient = new Float64Array(g.length);
  norms.forEach((norm, b) => {
    const along = dot(g, b * D, prediction, b * D, D);
    for (let d = 0; d < D; d++) gradient[b * D + d] = (g[b * D + d] - along * prediction[b * D + d]) / norm;
  });
  return gradient;
}

function dot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, D: number): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += a[i + d] * b[j + d];
  return sum;
}

function undefinedTerm({ B, D }: LossInput): LossTerm {
  return { value: Number.NaN, gradient: new Float64Array(B * D) };
}

function mse({ raw, target, B, D }: LossInput): LossTerm {
  const gradient = Float64Array.from({ length: B * D }, (_, i) => (2 * (raw[i] - target[i])) / (B * D));
  const value = gradient.reduce((sum, g) => sum + ((g * B * D) / 2) ** 2, 0) / (B * D);
  return { value, gradient };
}

/** Cross entropy of P·T̂ᵀ/τ against the diagonal, along rows plus along columns. */
function infoNce({ B, D }: LossInput, unit: UnitVectors, tau: number): LossTerm {
  const logits = new Float64Array(B * B);
  for (let i = 0; i < B; i++) {
    for (let j = 0; j < B; j++) logits[i * B + j] = dot(unit.prediction, i * D, unit.target, j * D, D) / tau;
  }
  const dlogits = new Float64Array(B * B);
  let value = 0;
  for (let i = 0; i < B; i++) {
    value += crossEntropy(logits, dlogits, i, B, 1, i * B);
    value += crossEntropy(logits, dlogits, i, B, B, i);
  }
  const g = new Float64Array(B * D);
  for (let i = 0; i < B; i++) {
    for (let j = 0; j < B; j++) {
      for (let d = 0; d < D; d++) g[i * D + d] += (dlogits[i * B + j] / tau) * unit.target[j * D + d];
    }
  }
  return { value: value / B, gradient: throughNormalise(g, unit, D) };
}

/** One line of B logits, `stride` apart from `at`, against entry `label`; adds softmax − one-hot, over B, to `dlogits`. */
function crossEntropy(
  logits: Float64Array,
  dlogits: Float64Array,
  label: number,
  B: number,
  stride: number,
  at: number,
): number {
  let top = -Infinity;
  for (let k = 0; k < B; k++) top = Math.max(top, logits[at + k * stride]);
  let sum = 0;
  for (let k = 0; k < B; k++) sum += Math.exp(logits[at + k * stride] - top);
  for (let k = 0; k < B; k++) {
    const probability = Math.exp(logits[at + k * stride] - top) / sum;
    dlogits[at + k * stride] += (probability - (k === label ? 1 : 0)) / B;
  }
  return top + Math.log(sum) - logits[at + label * stride];
}

interface BatchStatistics {
  readonly mean: number;
  /** Unbiased. */
  readonly sigma: number;
}

function statistics(x: ArrayLike<number>, d: number, B: number, D: number): BatchStatistics {
  let mean = 0;
  for (let b = 0; b < B; b++) mean += x[b * D + d] / B;
  let squares = 0;
  for (let b = 0; b < B; b++) squares += (x[b * D + d] - mean) ** 2;
  return { mean, sigma: Math.sqrt(squares / (B - 1)) };
}

/** ∂σ/∂x_b; 0 where σ is 0. */
function sigmaGradient(x: number, { mean, sigma }: BatchStatistics, B: number): number {
  return sigma > 0 ? (x - mean) / ((B - 1) * sigma) : 0;
}

function moment(input: LossInput): LossTerm {
  const { raw, target, B, D } = input;
  if (B < 2) return undefinedTerm(input);
  const gradient = new Float64Array(B * D);
  let value = 0;
  for (let d = 0; d < D; d++) {
    const p = statistics(raw, d, B, D);
    const t = statistics(target, d, B, D);
    value += ((p.mean - t.mean) ** 2 + (p.sigma - t.sigma) ** 2) / D;
    for (let b = 0; b < B; b++) {
      const byMean = (p.mean - t.mean) / B;
      gradient[b * D + d] = (2 / D) * (byMean + (p.sigma - t.sigma) * sigmaGradient(raw[b * D + d], p, B));
    }
  }
  return { value, gradient };
}

function variance(input: LossInput, unit: UnitVectors, target: number): LossTerm {
  const { B, D } = input;
  if (B < 2) return undefinedTerm(input);
  const g = new Float64Array(B * D);
  let value = 0;
  for (let d = 0; d < D; d++) {
    const p = statistics(unit.prediction, d, B, D);
    if (p.sigma >= target) continue;
    value += (target - p.sigma) / D;
    for (let b = 0; b < B; b++) g[b * D + d] = -sigmaGradient(unit.prediction[b * D + d], p, B) / D;
  }
  return { value, gradient: throughNormalise(g, unit, D) };
}

/** relu(margin − (cos(p, t) − cos(p, x_t))) for the positions given, averaged over rows and positions. */
function marginTerm(input: LossInput, unit: UnitVectors, margin: number, positions: readonly number[]): LossTerm {
  const { B, T, D } = input;
  const g = new Float64Array(B * D);
  const share = 1 / (B * positions.length);
  let value = 0;
  for (let b = 0; b < B; b++) {
    const toTarget = dot(unit.prediction, b * D, unit.target, b * D, D);
    for (const t of positions) {
      const x = (b * T + t) * D;
      const short = margin - (toTarget - dot(unit.prediction, b * D, unit.context, x, D));
      if (short <= 0) continue;
      value += share * short;
      for (let d = 0; d < D; d++) g[b * D + d] += share * (unit.context[x + d] - unit.target[b * D + d]);
    }
  }
  return { value, gradient: throughNormalise(g, unit, D) };
}

function directional(input: LossInput, unit: UnitVectors, margin: number): LossTerm {
  if (input.T < 2) return undefinedTerm(input);
  return marginTerm(input, unit, margin, [input.T - 2]);
}

function antiCopy(input: LossInput, unit: UnitVectors, margin: number): LossTerm {
  return marginTerm(
    input,
    unit,
    margin,
    Array.from({ length: input.T }, (_, t) => t),
  );
}

/** 1 − cos(p, t), averaged over rows. */
function cosine({ B, D }: LossInput, unit: UnitVectors): LossTerm {
  let value = 0;
  for (let b = 0; b < B; b++) value += (1 - dot(unit.prediction, b * D, unit.target, b * D, D)) / B;
  const g = unit.target.map((t) => -t / B);
  return { value, gradient: throughNormalise(g, unit, D) };
}
