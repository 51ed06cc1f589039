/**
 * A PyTorch reference file: its configuration, and its arrays by name (what each is: `tests/fixtures/make_golden.py`).
 * Takes the arrays, not the file. B batch, T context length, D width.
 */
import { z } from 'zod';
import { GRADIENT_TYPES, INPUT_SHIFTS, type GradientSpec } from '#shared/domain/models/models.ts';
import { elementCount, parameterShapes } from '#shared/domain/models/shapes.ts';
import { TERMS, byTerm, isTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { NamedTensors, OptimizerConfig } from './types.ts';

/** One array of a reference file; text arrays (config) as a string. */
export interface ReferenceArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number> | string;
}
export type ReferenceArrays = ReadonlyMap<string, ReferenceArray>;

const Config = z.object({
  model: z.enum(GRADIENT_TYPES),
  B: z.int().min(1),
  T: z.int().min(1),
  D: z.int().min(1),
  /** λ by term, of the terms that the program which wrote the file had. */
  weights: z.record(z.string(), z.number()),
  tau: z.number().positive(),
  margin_directional: z.number(),
  margin_anti_copy: z.number(),
  lr: z.number().positive(),
  weight_decay: z.number().min(0),
  clip: z.number().min(0),
  d_model: z.int().optional(),
  hidden_dim: z.int().optional(),
  num_layers: z.int().optional(),
  nhead: z.int().optional(),
  inputs: z.enum(INPUT_SHIFTS).optional(),
});
export type Config = z.infer<typeof Config>;

function refused(message: string): NextvecError {
  return new NextvecError('BAD_INPUT', `The reference file cannot be used: ${message}.`, {
    remedy: 'Reference files hold the losses, gradients and steps of a model in PyTorch. Write it anew.',
  });
}

function parseConfig(text: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refused('its array "config" is not JSON');
  }
  const { data, error } = Config.safeParse(json);
  if (error) throw refused(`${error.issues[0].path.join('.')} of its array "config": ${error.issues[0].message}`);
  return data;
}

/** The reference file: its configuration and its arrays by name. */
export class Reference {
  readonly config: Config;
  readonly spec: GradientSpec;
  readonly B: number;
  readonly T: number;
  readonly D: number;
  private readonly arrays: ReferenceArrays;

  constructor(arrays: ReferenceArrays) {
    this.arrays = arrays;
    const text = arrays.get('config')?.data;
    if (typeof text !== 'string') {
      throw refused('it has no text array "config". A golden pair of `nextvec export` holds predictions alone');
    }
    this.config = parseConfig(text);
    const { inputs } = this.config;
    const hiddenBias = 'param/transformer_decoder.layers.0.linear1.bias';
    const spec = specOf(this.config, arrays.has(hiddenBias) ? this.array(hiddenBias).length : undefined);
    this.spec = inputs ? { ...spec, inputs } : spec;
    ({ B: this.B, T: this.T, D: this.D } = this.config);
  }

  values(name: string, elements: number): Float32Array<ArrayBuffer> {
    const data = this.array(name);
    if (data.length !== elements) {
      throw refused(`its array ${name} has ${data.length} values, its configuration asks for ${elements}`);
    }
    return Float32Array.from(data);
  }

  array(name: string): ArrayLike<number> {
    const data = this.arrays.get(name)?.data;
    if (data === undefined || typeof data === 'string') throw refused(`it has no array ${name}`);
    return data;
  }

  /** All parameters below `prefix/`. */
  named(prefix: string, spec: GradientSpec): NamedTensors {
    return new Map(
      parameterShapes(spec).map(({ name, shape }) => [name, this.values(`${prefix}/${name}`, elementCount(shape))]),
    );
  }
}

function specOf(config: Config, feedForward: number | undefined): GradientSpec {
  const { model: type, T, D } = config;
  const need = (key: 'd_model' | 'hidden_dim' | 'num_layers' | 'nhead'): number => {
    const value = config[key];
    if (value === undefined) throw refused(`its configuration of ${type} lacks ${key}`);
    return value;
  };
  switch (type) {
    case 'amn':
      return { type, T, D, dModel: need('d_model'), hiddenDim: need('hidden_dim') };
    case 'lstm':
      return { type, T, D, hiddenDim: need('hidden_dim'), numLayers: need('num_layers'), dropout: 0 };
    case 'gru':
      return { type, T, D, dModel: need('d_model'), numLayers: need('num_layers') };
    case 'transformer': {
      const dModel = need('d_model');
      return {
        type,
        T,
        D,
        dModel,
        heads: need('nhead'),
        numLayers: need('num_layers'),
        feedForward: feedForward ?? 4 * dModel,
        dropout: 0,
      };
    }
  }
}

/** Terms that only the file or only this version has. */
export function skippedTerms({ weights }: Config): string[] {
  return [...TERMS.filter((term) => !(term in weights)), ...Object.keys(weights).filter((name) => !isTerm(name))];
}

export function lossOf(config: Config): LossConfig {
  const foreign = Object.entries(config.weights).find(([name, lambda]) => !isTerm(name) && lambda !== 0);
  if (foreign) {
    throw new NextvecError(
      'BAD_INPUT',
      `The reference file trains on the loss term "${foreign[0]}" (λ ${foreign[1]}), which this version does not have.`,
      { remedy: 'Verify it with the version it was made for.' },
    );
  }
  return {
    weights: byTerm((term) => config.weights[term] ?? 0),
    tau: config.tau,
    marginDirectional: config.margin_directional,
    marginAntiCopy: config.margin_anti_copy,
    varianceTarget: 1,
  };
}

export function optimizerOf(config: Config): OptimizerConfig {
  return { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: config.weight_decay, clip: config.clip };
}

/** The model of a reference file with its inputs and outputs, for other forms of the same forward pass. */
export interface ReferenceModel {
  readonly spec: GradientSpec;
  readonly parameters: NamedTensors;
  readonly B: number;
  /** [B, T, D] */
  readonly contexts: Float32Array<ArrayBuffer>;
  /** [B, D], before and after normalisation. */
  readonly raw: Float32Array<ArrayBuffer>;
  readonly pred: Float32Array<ArrayBuffer>;
}

export function referenceModel(arrays: ReferenceArrays): ReferenceModel {
  const reference = new Reference(arrays);
  const { spec, B, T, D } = reference;
  return {
    spec,
    parameters: reference.named('param', spec),
    B,
    contexts: reference.values('context', B * T * D),
    raw: reference.values('out/raw', B * D),
    pred: reference.values('out/pred', B * D),
  };
}
