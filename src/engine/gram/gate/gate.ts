/**
 * The gate: a network that maps the Gram matrix of the parts to mixing coefficients. It never sees a vector,
 * so it cannot learn topics. Forward, loss and gradient by hand, in float64 on float32 parameters.
 * K parts, M = K(K + 1)/2 features, H hidden units.
 *
 *   z = clip((G − mean)/std, ±3)      upper triangle of G, standardised over the gate's data
 *   a = a₀ + 0.3 · s ⊙ (W₂·GELU(W₁·z + b₁) + b₂)
 *   loss = −(a·b)/√(aᵀGa)             minus the cosine of Σ a_k c_k and the unit target y, b_k = ⟨c_k, y⟩
 */
import { erf } from '../../erf.ts';
import type { Random } from '../../random.ts';
import type { Statistics } from '../parts/parts.ts';

/** Features are clipped at ±CLIP. */
export const CLIP = 3;
/** Share of a part's own scale by which one unit of the network's output moves its coefficient. */
export const REACH = 0.3;
const MIN_SQUARE = 1e-6;
/** A feature that varies by less than this share of its mean varies by rounding alone, as |x_t|² does. */
const CONSTANT_SHARE = 1e-4;

/** What all gates of a mixture share; fixed before they are trained. */
export interface GateInput {
  readonly K: number;
  /** Mean and standard deviation of the features; that of a constant one is Infinity: it stays 0. [M] */
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** s_k = 1/max(1e-3, √mean G_kk): one over the length of a part. [K] */
  readonly scale: Float32Array;
  /** a₀: where the coefficients start. [K] */
  readonly start: Float32Array;
}

/** Places of W₁ [H, M], b₁ [H], W₂ [K, H], b₂ [K] in one array of parameters. */
export interface GateLayout {
  readonly K: number;
  readonly M: number;
  readonly H: number;
  readonly bias1: number;
  readonly weight2: number;
  readonly bias2: number;
  readonly size: number;
}

export function gateLayout(K: number, H: number): GateLayout {
  const M = (K * (K + 1)) / 2;
  const bias1 = H * M;
  const weight2 = bias1 + H;
  const bias2 = weight2 + K * H;
  return { K, M, H, bias1, weight2, bias2, size: bias2 + K };
}

/** PyTorch's default for the first layer, U(±1/√M); zeros for the second, so that a = a₀ at first. */
export function initialGate({ M, weight2, size }: GateLayout, random: Random): Float32Array {
  const parameters = new Float32Array(size);
  const bound = 1 / Math.sqrt(M);
  for (let i = 0; i < weight2; i++) parameters[i] = (2 * random.uniform() - 1) * bound;
  return parameters;
}

/** Position in a packed upper triangle of K rows of entry (k, k). */
export function diagonalIndex(K: number, k: number): number {
  return k * K - (k * (k - 1)) / 2;
}

/** Standardisation and scales from the gate's data. */
export function fitGateInput({ gram, count }: Statistics, K: number, start: Float32Array): GateInput {
  const M = (K * (K + 1)) / 2;
  const mean = new Float32Array(M);
  const std = new Float32Array(M);
  for (let m = 0; m < M; m++) {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += gram[row * M + m];
    const average = sum / count;
    let squares = 0;
    for (let row = 0; row < count; row++) squares += (gram[row * M + m] - average) ** 2;
    mean[m] = average;
    const deviation = Math.sqrt(squares / count);
    const isConstant = deviation < CONSTANT_SHARE * Math.abs(average);
    std[m] = isConstant ? Infinity : deviation + 1e-6;
  }
  const scale = Float32Array.from({ length: K }, (_, k) => 1 / Math.max(1e-3, Math.sqrt(mean[diagonalIndex(K, k)])));
  return { K, mean, std, scale, start };
}

/** Standardised, clipped features of all rows. [count, M] */
export function gateFeatures({ gram, count }: Statistics, { mean, std }: GateInput): Float32Array {
  const M = mean.length;
  const z = new Float32Array(count * M);
  for (let i = 0, m = 0; i < z.length; i++, m = m + 1 === M ? 0 : m + 1) {
    z[i] = Math.min(CLIP, Math.max(-CLIP, (gram[i] - mean[m]) / std[m]));
  }
  return z;
}

/** Forward and backward passes of one gate; holds the activations of one row. */
export class Gate {
  readonly layout: GateLayout;
  private readonly input: GateInput;
  private readonly hidden: Float64Array;
  private readonly slope: Float64Array;
  private readonly dHidden: Float64Array;
  private readonly product: Float64Array;
  /** Coefficients of the last row. [K] */
  readonly coefficients: Float64Array;

  constructor(input: GateInput, H: number) {
    this.input = input;
    this.layout = gateLayout(input.K, H);
    this.hidden = new Float64Array(H);
    this.slope = new Float64Array(H);
    this.dHidden = new Float64Array(H);
    this.product = new Float64Array(input.K);
    this.coefficients = new Float64Array(input.K);
  }

  /** Coefficients of row `row` of features z [count, M]. */
  forward(parameters: Float32Array, z: Float32Array, row: number): Float64Array {
    const { K, M, H, bias1, weight2, bias2 } = this.layout;
    const { scale, start } = this.input;
    const { hidden, slope, coefficients } = this;
    for (let h = 0, w = 0; h < H; h++) {
      let x = parameters[bias1 + h];
      for (let m = row * M, end = m + M; m < end; m++, w++) x += parameters[w] * z[m];
      const cdf = 0.5 * (1 + erf(x * Math.SQRT1_2));
      hidden[h] = x * cdf;
      slope[h] = cdf + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
    }
    for (let k = 0, w = weight2; k < K; k++) {
      let x = parameters[bias2 + k];
      for (let h = 0; h < H; h++, w++) x += parameters[w] * hidden[h];
      coefficients[k] = start[k] + REACH * scale[k] * x;
    }
    return coefficients;
  }

  /**
   * Loss of row `row` after `forward` of the same row; adds `share` times its gradient to `gradient`.
   * ∂loss/∂a = −b/q + (a·b)·Ga/q³ with q = √(aᵀGa).
   */
  backward(
    parameters: Float32Array,
    gradient: Float64Array,
    { z, statistics: { gram, target } }: { readonly z: Float32Array; readonly statistics: Statistics },
    row: number,
    share: number,
  ): number {
    const { K, M, H, bias1, weight2, bias2 } = this.layout;
    const { scale } = this.input;
    const { coefficients: a, hidden, slope, dHidden, product } = this;
    const square = multiplyGram(gram, row * M, a, product);
    const along = dotTarget(a, target, row * K);
    const q = Math.sqrt(Math.max(square, MIN_SQUARE));
    const bend = square > MIN_SQUARE ? along / q ** 3 : 0;
    dHidden.fill(0);
    for (let k = 0, w = weight2; k < K; k++) {
      const d = share * REACH * scale[k] * (bend * product[k] - target[row * K + k] / q);
      gradient[bias2 + k] += d;
      for (let h = 0; h < H; h++, w++) {
        gradient[w] += d * hidden[h];
        dHidden[h] += d * parameters[w];
      }
    }
    for (let h = 0, w = 0; h < H; h++) {
      const d = dHidden[h] * slope[h];
      gradient[bias1 + h] += d;
      for (let m = row * M, end = m + M; m < end; m++, w++) gradient[w] += d * z[m];
    }
    return -along / q;
  }
}

/** product ← G·a for a packed symmetric G at `at`; returns aᵀGa. */
function multiplyGram(gram: Float32Array, at: number, a: ArrayLike<number>, product: Float64Array): number {
  const K = product.length;
  product.fill(0);
  for (let k = 0, i = at; k < K; k++) {
    product[k] += gram[i++] * a[k];
    for (let l = k + 1; l < K; l++, i++) {
      product[k] += gram[i] * a[l];
      product[l] += gram[i] * a[k];
    }
  }
  let square = 0;
  for (let k = 0; k < K; k++) square += a[k] * product[k];
  return square;
}

function dotTarget(a: ArrayLike<number>, target: Float32Array, at: number): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * target[at + k];
  return sum;
}

/** Coefficients of all rows, averaged over the gates. [count, K] */
export function coefficientsOf(
  statistics: Statistics,
  input: GateInput,
  gates: readonly Float32Array[],
  hidden: number,
): Float32Array {
  const { K } = input;
  const z = gateFeatures(statistics, input);
  const gate = new Gate(input, hidden);
  const mean = new Float32Array(statistics.count * K);
  const sum = new Float64Array(K);
  for (let row = 0; row < statistics.count; row++) {
    sum.fill(0);
    for (const parameters of gates) {
      const a = gate.forward(parameters, z, row);
      for (let k = 0; k < K; k++) sum[k] += a[k];
    }
    for (let k = 0; k < K; k++) mean[row * K + k] = sum[k] / gates.length;
  }
  return mean;
}

/** a_k·⟨c_k, raw⟩/‖raw‖² of each row with raw = Σ_l a_l·c_l: what each part contributes to it. [count, K] */
export function sharesOf({ gram, count }: Statistics, coefficients: Float32Array): Float32Array {
  const K = coefficients.length / count;
  const M = (K * (K + 1)) / 2;
  const product = new Float64Array(K);
  const shares = new Float32Array(coefficients.length);
  for (let row = 0; row < count; row++) {
    const a = coefficients.subarray(row * K, (row + 1) * K);
    const square = Math.max(multiplyGram(gram, row * M, a, product), 1e-12);
    for (let k = 0; k < K; k++) shares[row * K + k] = (a[k] * product[k]) / square;
  }
  return shares;
}

/** Cosine of Σ a_k c_k and the target of each row, from products alone. [count] */
export function cosinesOf({ gram, target, count }: Statistics, coefficients: Float32Array): Float64Array {
  const K = coefficients.length / count;
  const M = (K * (K + 1)) / 2;
  const product = new Float64Array(K);
  return Float64Array.from({ length: count }, (_, row) => {
    const a = coefficients.subarray(row * K, (row + 1) * K);
    const square = multiplyGram(gram, row * M, a, product);
    return dotTarget(a, target, row * K) / Math.sqrt(Math.max(square, 1e-12));
  });
}

/** Mean of `cosinesOf`. NaN without rows. */
export function meanCosine(statistics: Statistics, coefficients: Float32Array): number {
  return cosinesOf(statistics, coefficients).reduce((sum, cosine) => sum + cosine, 0) / statistics.count;
}
