/**
 * A fitted Gram mixture: prediction raw = Σ_k a_k·c_k with the coefficients a of its gates, and its tensors by name.
 * B contexts, T context length, D width, K parts, M = K(K + 1)/2, H hidden units, N keys.
 */
import type { GramConfig, Part } from './config.ts';
import { coefficientsOf, type GateInput } from './gate.ts';
import { BLOCK_WINDOWS } from './memory.ts';
import type { PartsComputer } from './parts.ts';

export interface GramPrediction {
  /** Σ_k a_k·c_k; the prediction is its direction. [B, D] */
  readonly raw: Float32Array;
  /** a_k, in the order of `parts`. [B, K] */
  readonly coefficients: Float32Array;
}

/** Everything a prediction needs besides the keys in the computer. */
export interface Mixture {
  readonly input: GateInput;
  /** Parameters of each gate, in the order of `gateLayout`. */
  readonly gates: readonly Float32Array[];
}

export class GramModel {
  readonly parts: readonly Part[];
  private readonly config: GramConfig;
  private readonly mixture: Mixture;
  private readonly computer: PartsComputer;
  private readonly D: number;
  private readonly T: number;

  /** `computer` holds the fitted parts and their keys. */
  constructor(
    config: GramConfig,
    { T, D }: { readonly T: number; readonly D: number },
    parts: readonly Part[],
    mixture: Mixture,
    computer: PartsComputer,
  ) {
    this.config = config;
    this.T = T;
    this.D = D;
    this.parts = parts;
    this.mixture = mixture;
    this.computer = computer;
  }

  /** Contexts [B, T, D]; any B ≥ 1. */
  async predict(contexts: Float32Array, B: number): Promise<GramPrediction> {
    const { T, D, computer } = this;
    const K = this.parts.length;
    const raw = new Float32Array(B * D);
    const coefficients = new Float32Array(B * K);
    for (let from = 0; from < B; from += BLOCK_WINDOWS) {
      const count = Math.min(BLOCK_WINDOWS, B - from);
      const block = contexts.subarray(from * T * D, (from + count) * T * D);
      const windows = { contexts: block, targets: null, count };
      const statistics = await computer.statistics(windows);
      const a = coefficientsOf(statistics, this.mixture.input, this.mixture.gates, this.config.gate.hidden);
      coefficients.set(a, from * K);
      computer.mixInto(raw.subarray(from * D), a, count);
    }
    return { raw, coefficients };
  }
}
