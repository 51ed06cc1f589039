/**
 * A fitted Gram mixture: prediction raw = Σ_k a_k·c_k with the coefficients a of its gates, and its tensors by name.
 * B contexts, T context length, D width, K parts, M = K(K + 1)/2, H hidden units, N keys.
 */
import { extraPrefix, listParts, settingsTensors, type GramSpec, type Part } from '#shared/domain/models/gram.ts';
import type { SimdRuntime } from '../simd/runtime/runtime.ts';
import type { MixtureWeights, NamedTensors } from '../types.ts';
import { extraTensors, openExtras, type ExtraModel } from './parts/extras.ts';
import { coefficientsOf, gateLayout, sharesOf, type GateInput } from './gate/gate.ts';
import { BLOCK_WINDOWS, GramMemory, gramShape } from './memory.ts';
import { PartsComputer, type PartsModel } from './parts/parts.ts';

export interface GramPrediction {
  /** Σ_k a_k·c_k; the prediction is its direction. [B, D] */
  readonly raw: Float32Array;
  /** In the order of `parts`. */
  readonly mixture: MixtureWeights;
}

/** What a mixture is made of, apart from the keys in its computer. */
export interface FittedMixture {
  readonly spec: GramSpec;
  readonly parts: PartsModel;
  readonly gateInput: GateInput;
  /** Parameters of each gate, in the order of `gateLayout`. */
  readonly gates: readonly Float32Array[];
  /** Tensors of the trained models among the parts, in the order of `spec.extras`. */
  readonly extras: readonly NamedTensors[];
}

export class GramModel {
  readonly spec: GramSpec;
  readonly parts: readonly Part[];
  private readonly fitted: FittedMixture;
  private readonly computer: PartsComputer;

  private readonly ownExtras: readonly ExtraModel[];

  /** `computer` holds the fitted parts and their keys; `ownExtras` are disposed with this model. */
  constructor(
    fitted: FittedMixture,
    parts: readonly Part[],
    computer: PartsComputer,
    ownExtras: readonly ExtraModel[] = [],
  ) {
    this.fitted = fitted;
    this.spec = fitted.spec;
    this.parts = parts;
    this.computer = computer;
    this.ownExtras = ownExtras;
  }

  /** A mixture from its tensors (`gramShapes`), in a memory of its own. */
  static async open(runtime: SimdRuntime, spec: GramSpec, tensors: NamedTensors): Promise<GramModel> {
    const dataOf = (name: string): Float32Array => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`Gram mixture: the weights have no tensor "${name}"; export the run anew.`);
      return tensor;
    };
    const { T, D } = spec;
    const parts = listParts(spec, T);
    const shape = gramShape({ ...spec, maxKeys: spec.keys }, { T, D, K: parts.length, windows: spec.keys });
    const memory = await GramMemory.open(runtime, shape);
    const extras = extraTensors(spec, tensors);
    const fitted = { ...readFitted(spec, parts.length, dataOf), extras };
    const models = await openExtras(runtime, spec, extras);
    const predictions = models.map(({ predict }) => predict);
    const computer = new PartsComputer(memory, spec, parts, predictions);
    computer.use(fitted.parts);
    if (spec.keys > 0) computer.search.write({ keys: dataOf('keys'), values: dataOf('values') });
    return new GramModel(fitted, parts, computer, models);
  }

  /** Contexts [B, T, D]; any B ≥ 1. */
  async predict(contexts: Float32Array, B: number): Promise<GramPrediction> {
    const { gateInput, gates, spec } = this.fitted;
    const { T, D } = spec;
    const K = this.parts.length;
    const raw = new Float32Array(B * D);
    const coefficients = new Float32Array(B * K);
    const shares = new Float32Array(B * K);
    for (let from = 0; from < B; from += BLOCK_WINDOWS) {
      const count = Math.min(BLOCK_WINDOWS, B - from);
      const block = contexts.subarray(from * T * D, (from + count) * T * D);
      const statistics = await this.computer.statistics({ contexts: block, targets: null, count });
      const a = coefficientsOf(statistics, gateInput, gates, spec.hiddenDim);
      coefficients.set(a, from * K);
      shares.set(sharesOf(statistics, a), from * K);
      this.computer.mixInto(raw.subarray(from * D), a, count);
    }
    return { raw, mixture: { coefficients, shares } };
  }

  /** Everything that `open` needs, in the names and shapes of `gramShapes`. */
  parameters(): NamedTensors {
    const { spec, parts, gateInput, gates } = this.fitted;
    const { bias1, weight2, bias2, size } = gateLayout(this.parts.length, spec.hiddenDim);
    const tensors: NamedTensors = settingsTensors(spec);
    tensors.set('position_weights', parts.positionWeights);
    tensors.set('mean', parts.mean);
    parts.ridges.forEach((map, i) => tensors.set(`ridges.${i}.weight`, map));
    parts.pooledRidges.forEach((map, i) => tensors.set(`pooled_ridges.${i}.weight`, map));
    parts.filters.forEach((map, i) => tensors.set(`filters.${i}.weight`, map));
    const { keys, values } = this.computer.search.read();
    tensors.set('keys', keys);
    tensors.set('values', values);
    tensors.set('gate_mean', gateInput.mean);
    tensors.set('gate_std', gateInput.std);
    tensors.set('scale', gateInput.scale);
    tensors.set('start', gateInput.start);
    gates.forEach((of, g) => {
      tensors.set(`gates.${g}.0.weight`, of.slice(0, bias1));
      tensors.set(`gates.${g}.0.bias`, of.slice(bias1, weight2));
      tensors.set(`gates.${g}.2.weight`, of.slice(weight2, bias2));
      tensors.set(`gates.${g}.2.bias`, of.slice(bias2, size));
    });
    this.fitted.extras.forEach((own, i) => {
      for (const [name, data] of own) tensors.set(extraPrefix(i) + name, data);
    });
    return tensors;
  }

  async dispose(): Promise<void> {
    for (const extra of this.ownExtras) extra.dispose();
    await this.computer.dispose();
  }
}

function readFitted(spec: GramSpec, K: number, dataOf: (name: string) => Float32Array): Omit<FittedMixture, 'extras'> {
  return {
    spec,
    parts: {
      positionWeights: dataOf('position_weights'),
      mean: dataOf('mean'),
      ridges: spec.ridges.map((_, i) => dataOf(`ridges.${i}.weight`)),
      pooledRidges: spec.pooledRidges.map((_, i) => dataOf(`pooled_ridges.${i}.weight`)),
      filters: spec.filters.map((_, i) => dataOf(`filters.${i}.weight`)),
    },
    gateInput: {
      K,
      mean: dataOf('gate_mean'),
      std: dataOf('gate_std'),
      scale: dataOf('scale'),
      start: dataOf('start'),
    },
    gates: Array.from({ length: spec.gates }, (_, g) => {
      const { bias1, weight2, bias2, size } = gateLayout(K, spec.hiddenDim);
      const parameters = new Float32Array(size);
      parameters.set(dataOf(`gates.${g}.0.weight`));
      parameters.set(dataOf(`gates.${g}.0.bias`), bias1);
      parameters.set(dataOf(`gates.${g}.2.weight`), weight2);
      parameters.set(dataOf(`gates.${g}.2.bias`), bias2);
      return parameters;
    }),
  };
}
