/**
 * A fitted Gram mixture: prediction raw = Σ_k a_k·c_k with the coefficients a of its gates, and its tensors by name.
 * B contexts, T context length, D width, K parts, M = K(K + 1)/2, H hidden units, N keys.
 */
import type { SimdRuntime } from '../simd/runtime.ts';
import { listParts, type GramConfig, type Part } from './config.ts';
import { coefficientsOf, gateLayout, type GateInput } from './gate.ts';
import { BLOCK_WINDOWS, GramMemory, gramShape } from './memory.ts';
import { PartsComputer, type ExtraPrediction, type PartsModel } from './parts.ts';

export interface GramPrediction {
  /** Σ_k a_k·c_k; the prediction is its direction. [B, D] */
  readonly raw: Float32Array;
  /** a_k, in the order of `parts`. [B, K] */
  readonly coefficients: Float32Array;
}

export interface GramTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a mixture is made of, apart from the keys in its computer. */
export interface FittedMixture {
  readonly config: GramConfig;
  readonly T: number;
  readonly D: number;
  readonly parts: PartsModel;
  readonly gateInput: GateInput;
  /** Parameters of each gate, in the order of `gateLayout`. */
  readonly gates: readonly Float32Array[];
}

export class GramModel {
  readonly parts: readonly Part[];
  private readonly fitted: FittedMixture;
  private readonly computer: PartsComputer;

  /** `computer` holds the fitted parts and their keys. */
  constructor(fitted: FittedMixture, parts: readonly Part[], computer: PartsComputer) {
    this.fitted = fitted;
    this.parts = parts;
    this.computer = computer;
  }

  /** A mixture from its settings and tensors, in a memory of its own. */
  static async open(
    runtime: SimdRuntime,
    { config, T, D }: { readonly config: GramConfig; readonly T: number; readonly D: number },
    tensors: ReadonlyMap<string, GramTensor>,
    extras: readonly { readonly name: string; readonly predict: ExtraPrediction }[] = [],
  ): Promise<GramModel> {
    const dataOf = (name: string): Float32Array => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`Gram mixture: the weights have no tensor "${name}"; export the run anew.`);
      return tensor.data;
    };
    const parts = listParts(
      config,
      T,
      extras.map(({ name }) => name),
    );
    const keys = config.neighbours.length > 0 ? dataOf('keys') : new Float32Array(0);
    const memory = await GramMemory.open(
      runtime,
      gramShape(config, { T, D, K: parts.length, windows: keys.length / D }),
    );
    const fitted = readFitted({ config, T, D, K: parts.length }, dataOf);
    const predictions = extras.map(({ predict }) => predict);
    const computer = new PartsComputer(memory, config, parts, predictions);
    computer.use(fitted.parts);
    if (keys.length > 0) computer.search.write({ keys, values: dataOf('values') });
    return new GramModel(fitted, parts, computer);
  }

  /** Contexts [B, T, D]; any B ≥ 1. */
  async predict(contexts: Float32Array, B: number): Promise<GramPrediction> {
    const { T, D, gateInput, gates, config } = this.fitted;
    const K = this.parts.length;
    const raw = new Float32Array(B * D);
    const coefficients = new Float32Array(B * K);
    for (let from = 0; from < B; from += BLOCK_WINDOWS) {
      const count = Math.min(BLOCK_WINDOWS, B - from);
      const block = contexts.subarray(from * T * D, (from + count) * T * D);
      const statistics = await this.computer.statistics({ contexts: block, targets: null, count });
      const a = coefficientsOf(statistics, gateInput, gates, config.gate.hidden);
      coefficients.set(a, from * K);
      this.computer.mixInto(raw.subarray(from * D), a, count);
    }
    return { raw, coefficients };
  }

  /** Everything that `open` needs, by name. Linear weights are [out, in], as in PyTorch. */
  tensors(): Map<string, GramTensor> {
    const { config, T, D, parts, gateInput, gates } = this.fitted;
    const { K, M, H, bias1, weight2, bias2, size } = gateLayout(this.parts.length, config.gate.hidden);
    const tensors = new Map<string, GramTensor>();
    const add = (name: string, data: Float32Array, ...shape: number[]) => tensors.set(name, { shape, data });
    add('position_weights', parts.positionWeights, T);
    add('mean', parts.mean, D);
    parts.ridges.forEach((map, i) => add(`ridges.${i}.weight`, map, D, D));
    parts.pooledRidges.forEach((map, i) => add(`pooled_ridges.${i}.weight`, map, D, 2 * D));
    parts.filters.forEach((map, i) => add(`filters.${i}.weight`, map, D, D));
    if (config.neighbours.length > 0) {
      const { keys, values } = this.computer.search.read();
      add('keys', keys, keys.length / D, D);
      add('values', values, values.length / D, D);
    }
    add('gate_mean', gateInput.mean, M);
    add('gate_std', gateInput.std, M);
    add('scale', gateInput.scale, K);
    add('start', gateInput.start, K);
    gates.forEach((of, g) => {
      add(`gates.${g}.0.weight`, of.subarray(0, bias1), H, M);
      add(`gates.${g}.0.bias`, of.subarray(bias1, weight2), H);
      add(`gates.${g}.2.weight`, of.subarray(weight2, bias2), K, H);
      add(`gates.${g}.2.bias`, of.subarray(bias2, size), K);
    });
    return tensors;
  }

  async dispose(): Promise<void> {
    await this.computer.dispose();
  }
}

function readFitted(
  { config, T, D, K }: { readonly config: GramConfig; readonly T: number; readonly D: number; readonly K: number },
  dataOf: (name: string) => Float32Array,
): FittedMixture {
  return {
    config,
    T,
    D,
    parts: {
      positionWeights: dataOf('position_weights'),
      mean: dataOf('mean'),
      ridges: config.ridges.map((_, i) => dataOf(`ridges.${i}.weight`)),
      pooledRidges: config.pooledRidges.map((_, i) => dataOf(`pooled_ridges.${i}.weight`)),
      filters: config.filters.map((_, i) => dataOf(`filters.${i}.weight`)),
    },
    gateInput: {
      K,
      mean: dataOf('gate_mean'),
      std: dataOf('gate_std'),
      scale: dataOf('scale'),
      start: dataOf('start'),
    },
    gates: Array.from({ length: config.gate.gates }, (_, g) => {
      const { bias1, weight2, bias2, size } = gateLayout(K, config.gate.hidden);
      const parameters = new Float32Array(size);
      parameters.set(dataOf(`gates.${g}.0.weight`));
      parameters.set(dataOf(`gates.${g}.0.bias`), bias1);
      parameters.set(dataOf(`gates.${g}.2.weight`), weight2);
      parameters.set(dataOf(`gates.${g}.2.bias`), bias2);
      return parameters;
    }),
  };
}
