/**
 * The K loss terms and their gradients with respect to raw, next to each other. The gradients are written out, not left
 * to autodiff, because each term's own gradient norm is measured at every step: one backward pass through the model
 * then serves all. B batch, T context length, D width; p, t, c are the unit prediction, target and context.
 */
import * as tf from '@tensorflow/tfjs-core';
import { product } from './products.ts';
import { TERMS, isTermDefined, type LossConfig, type Term } from '#shared/domain/models/terms.ts';

const NORM_FLOOR = 1e-12;

export interface LossInputs {
  /** [B, D] */
  readonly target: tf.Tensor2D;
  /** Unit target [B, D]. */
  readonly t: tf.Tensor2D;
  /** Unit context [B, T, D]. */
  readonly c: tf.Tensor3D;
}

/** Value (scalar) and gradient with respect to `raw` or to the unit prediction `p`, [B, D]. */
interface TermResult {
  readonly value: tf.Scalar;
  readonly gradient: tf.Tensor2D;
}

export interface Losses {
  /** [K] in TERMS order. */
  readonly values: tf.Tensor1D;
  /** ‖λ_k · ∂term_k/∂raw‖, [K]. */
  readonly gradNorms: tf.Tensor1D;
  /** Mean cosine of prediction and target, scalar. */
  readonly cosine: tf.Scalar;
  /** Σ λ_k · term_k, scalar. */
  readonly total: tf.Scalar;
  /** ∂total/∂raw, [B, D]. */
  readonly dRaw: tf.Tensor2D;
}

export function lossInputs(contexts: tf.Tensor3D, target: tf.Tensor2D): LossInputs {
  return { target, t: unit(target).unit, c: unit(contexts).unit };
}

/** Rows over the last axis divided by max(norm, floor). */
function unit<T extends tf.Tensor>(x: T): { unit: T; norm: T } {
  const norm: T = tf.maximum(tf.sqrt(tf.sum(tf.square(x), -1, true)), NORM_FLOOR);
  return { unit: tf.div(x, norm), norm };
}

/** All terms at raw [B, D]. A term that the batch does not define is NaN and left out of the total. */
export function losses(config: LossConfig, raw: tf.Tensor2D, inputs: LossInputs): Losses {
  const { unit: p, norm } = unit(raw);
  const cosines: tf.Tensor2D = tf.sum(tf.mul(p, inputs.t), 1, true);
  const throughUnit = (result: TermResult): TermResult => ({
    value: result.value,
    gradient: tf.div(tf.sub(result.gradient, tf.mul(p, tf.sum(tf.mul(p, result.gradient), 1, true))), norm),
  });
  const results: Record<Term, TermResult> = {
    mse: mse(raw, inputs.target),
    info_nce: throughUnit(infoNce(p, inputs.t, config.tau)),
    moment: moment(raw, inputs.target),
    variance: throughUnit(variance(p, config.varianceTarget)),
    directional: throughUnit(directional(cosines, p, inputs, config.marginDirectional)),
    anti_copy: throughUnit(antiCopy(cosines, p, inputs, config.marginAntiCopy)),
    cosine: throughUnit(cosine(cosines, inputs)),
  };
  const [B, T] = inputs.c.shape;
  const missing = new Set(TERMS.filter((term) => !isTermDefined(term, B, T)));
  return { ...weigh(config, raw, results, missing), cosine: tf.mean(cosines) };
}

function weigh(
  config: LossConfig,
  raw: tf.Tensor2D,
  results: Record<Term, TermResult>,
  missing: ReadonlySet<Term>,
): Omit<Losses, 'cosine'> {
  const gradNorms: tf.Tensor[] = [];
  let total = tf.scalar(0);
  let dRaw = tf.zerosLike(raw);
  for (const term of TERMS) {
    const weight = config.weights[term];
    if (weight === 0 || missing.has(term)) {
      gradNorms.push(tf.scalar(0));
      continue;
    }
    const gradient = tf.mul(results[term].gradient, weight);
    gradNorms.push(tf.sqrt(tf.sum(tf.square(gradient))));
    total = tf.add(total, tf.mul(results[term].value, weight));
    dRaw = tf.add(dRaw, gradient);
  }
  const values = vectorOf(TERMS.map((term) => (missing.has(term) ? tf.scalar(NaN) : results[term].value)));
  return { values, gradNorms: vectorOf(gradNorms), total, dRaw };
}

/** Scalars as [n]; the type of tf.stack leaves the rank open. */
export function vectorOf(scalars: tf.Tensor[]): tf.Tensor1D {
  return tf.stack(scalars) as tf.Tensor1D;
}

function mse(raw: tf.Tensor2D, target: tf.Tensor2D): TermResult {
  const error: tf.Tensor2D = tf.sub(raw, target);
  return { value: tf.mean(tf.square(error)), gradient: tf.mul(error, 2 / raw.size) };
}

/** Cross entropy over rows plus over columns of P·Tᵀ/τ, each a batch mean. */
function infoNce(p: tf.Tensor2D, t: tf.Tensor2D, tau: number): TermResult {
  const B = p.shape[0];
  const logits: tf.Tensor2D = tf.div(product(p, t, false, true), tau);
  const diagonal = tf.div(tf.sum(tf.mul(p, t), 1), tau);
  const ofRows = tf.mean(tf.sub(tf.logSumExp(logits, 1), diagonal));
  const ofColumns = tf.mean(tf.sub(tf.logSumExp(logits, 0), diagonal));
  const columnShares = tf.transpose(tf.softmax(tf.transpose(logits)));
  const shares = tf.add(tf.softmax(logits), columnShares);
  const excess: tf.Tensor2D = tf.sub(shares, tf.mul(tf.eye(B), 2));
  return { value: tf.add(ofRows, ofColumns), gradient: tf.div(tf.matMul(excess, t), B * tau) };
}

/** Mean, centred rows and unbiased σ over the batch. */
function spread(x: tf.Tensor2D): { mean: tf.Tensor2D; centred: tf.Tensor2D; sigma: tf.Tensor2D } {
  const mean: tf.Tensor2D = tf.mean(x, 0, true);
  const centred: tf.Tensor2D = tf.sub(x, mean);
  const degrees = Math.max(x.shape[0] - 1, 1);
  return { mean, centred, sigma: tf.sqrt(tf.div(tf.sum(tf.square(centred), 0, true), degrees)) };
}

/** ∂(Σ_d w_d σ_d)/∂x = w ⊙ centred / ((B − 1) σ); 0 where σ = 0, as in PyTorch. */
function throughSigma(weights: tf.Tensor2D, centred: tf.Tensor2D, sigma: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(centred, tf.divNoNan(weights, tf.mul(sigma, Math.max(centred.shape[0] - 1, 1))));
}

function moment(raw: tf.Tensor2D, target: tf.Tensor2D): TermResult {
  const [B, D] = raw.shape;
  const ofRaw = spread(raw);
  const ofTarget = spread(target);
  const dMean: tf.Tensor2D = tf.sub(ofRaw.mean, ofTarget.mean);
  const dSigma: tf.Tensor2D = tf.sub(ofRaw.sigma, ofTarget.sigma);
  return {
    value: tf.add(tf.mean(tf.square(dMean)), tf.mean(tf.square(dSigma))),
    gradient: tf.add(tf.mul(dMean, 2 / (D * B)), throughSigma(tf.mul(dSigma, 2 / D), ofRaw.centred, ofRaw.sigma)),
  };
}

function variance(p: tf.Tensor2D, sigmaTarget: number): TermResult {
  const { centred, sigma } = spread(p);
  const gap: tf.Tensor2D = tf.sub(sigmaTarget, sigma);
  const active: tf.Tensor2D = tf.mul(tf.cast(tf.greater(gap, 0), 'float32'), -1 / p.shape[1]);
  return { value: tf.mean(tf.relu(gap)), gradient: throughSigma(active, centred, sigma) };
}

/** relu(m − (cos(p,t) − cos(p, ctx[T−2]))), batch mean. cosines [B, 1]. */
function directional(cosines: tf.Tensor2D, p: tf.Tensor2D, { t, c }: LossInputs, margin: number): TermResult {
  const [B, T, D] = c.shape;
  const previous: tf.Tensor2D = tf.reshape(tf.slice(c, [0, Math.max(T - 2, 0), 0], [B, 1, D]), [B, D]);
  const gap = tf.sub(margin, tf.sub(cosines, tf.sum(tf.mul(p, previous), 1, true)));
  const active = tf.div(tf.cast(tf.greater(gap, 0), 'float32'), B);
  return { value: tf.mean(tf.relu(gap)), gradient: tf.mul(active, tf.sub(previous, t)) };
}

/** The same against every position, mean over B·T. */
function antiCopy(cosines: tf.Tensor2D, p: tf.Tensor2D, { t, c }: LossInputs, margin: number): TermResult {
  const [B, T, D] = c.shape;
  const toContext = tf.reshape(tf.matMul(c, tf.reshape(p, [B, D, 1])), [B, T]);
  const gap = tf.sub(margin, tf.sub(cosines, toContext));
  const active = tf.div(tf.cast(tf.greater(gap, 0), 'float32'), B * T);
  const ofContext = tf.reshape(tf.matMul(tf.reshape(active, [B, 1, T]), c), [B, D]);
  return { value: tf.mean(tf.relu(gap)), gradient: tf.sub(ofContext, tf.mul(tf.sum(active, 1, true), t)) };
}

/** 1 − cos(p, t), batch mean. cosines [B, 1]. */
function cosine(cosines: tf.Tensor2D, { t }: LossInputs): TermResult {
  return { value: tf.sub(1, tf.mean(cosines)), gradient: tf.mul(t, -1 / t.shape[0]) };
}
