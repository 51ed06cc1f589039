/**
 * Checks an engine against a PyTorch reference file (what each array is: `tests/fixtures/make_golden.py`). Takes the
 * arrays, not the file. Relative L2 error a tensor, ‖a − b‖/‖b‖, at the tolerances float32 engines agree to.
 */
import { z } from 'zod';
import { GRADIENT_TYPES, INPUT_SHIFTS, type GradientSpec, type GradientType } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { TERMS, byTerm, isTerm, type LossConfig, type Term } from '#shared/domain/models/terms.ts';
import type { Engine, EngineName, NamedTensors, OptimizerConfig, TrainableModel, WindowSource } from './types.ts';

/** One array of a reference file; text arrays (config) as a string. */
export interface ReferenceArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number> | string;
}
export type ReferenceArrays = ReadonlyMap<string, ReferenceArray>;

const TOLERANCE = { forward: 1e-5, gradient: 1e-4, step: 1e-5, zeroGradient: 1e-6 } as const;

export interface VerifyResult {
  readonly model: GradientType;
  readonly engine: EngineName;
  readonly maxRelError: {
    readonly raw: number;
    readonly pred: number;
    /** null: the file does not have the term. */
    readonly loss: Readonly<Record<Term | 'total', number | null>>;
    readonly partGradNorm: Readonly<Record<Term, number | null>>;
    readonly grad: number;
    readonly gradNorm: number;
    readonly step1: number;
    readonly step3: number;
  };
  readonly pass: boolean;
  /** Terms that were not compared: the file does not have them, or this version does not. */
  readonly skippedTerms: readonly string[];
  /** What is out of tolerance: quantity, tensor, error and bound. */
  readonly failures: string[];
}

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
type Config = z.infer<typeof Config>;

/** One batch as a source of windows. */
function batchSource(contexts: Float32Array, targets: Float32Array, B: number, T: number, D: number): WindowSource {
  return {
    windows: B,
    T,
    D,
    gather(ids, intoContexts, intoTargets) {
      ids.forEach((id, row) => {
        intoContexts.set(contexts.subarray(id * T * D, (id + 1) * T * D), row * T * D);
        intoTargets.set(targets.subarray(id * D, (id + 1) * D), row * D);
      });
    },
  };
}

/** Runs the whole reference: forward, losses, gradients, three optimiser steps. */
export async function verifyAgainstGolden(engine: Engine, arrays: ReferenceArrays): Promise<VerifyResult> {
  const reference = new Reference(arrays);
  const { config, spec, B } = reference;
  const parameters = reference.named('param', spec);
  const optimizer = optimizerOf(config);
  const model = await engine.createModel({
    spec,
    loss: lossOf(config),
    optimizer,
    seed: 0,
    parameters,
    maxBatch: B,
  });
  try {
    return await compare(engine.info.name, model, reference);
  } finally {
    model.dispose();
  }
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

async function compare(engine: EngineName, model: TrainableModel, reference: Reference): Promise<VerifyResult> {
  const { config, spec, B, T, D } = reference;
  const check = new Checklist();
  const contexts = reference.values('context', B * T * D);
  const targets = reference.values('target', B * D);

  const { raw } = await model.predict(contexts, B);
  const rawError = check.tensor('raw', 'out/raw', raw, reference, TOLERANCE.forward);
  const predError = check.tensor('pred', 'out/pred', unitRows(raw, D), reference, TOLERANCE.forward);

  const probe = await model.probe(contexts, targets, B);
  const total = check.tensor('loss', 'loss/total', [probe.total], reference, TOLERANCE.forward);
  const termErrors = byTerm((term, k) => {
    if (!(term in config.weights)) return null;
    return check.tensor('loss', `loss/${term}`, [probe.values[k]], reference, TOLERANCE.forward);
  });
  const partGradNorm = byTerm((term, k) => {
    if (!(term in config.weights)) return null;
    const name = `part_grad_norm/${term}`;
    return check.tensor('partGradNorm', name, [probe.partGradNorms[k]], reference, TOLERANCE.gradient);
  });
  const grad = check.tensors('grad', probe.gradients, reference, TOLERANCE.gradient);
  const gradNorm = check.tensor('gradNorm', 'grad_norm', [probe.gradNorm], reference, TOLERANCE.gradient);

  const source = batchSource(contexts, targets, B, T, D);
  const ids = Uint32Array.from({ length: B }, (_, i) => i);
  const stepErrors = [0, 0, 0, 0];
  for (let step = 1; step <= 3; step++) {
    await model.trainStep({ source, ids, lr: config.lr, step });
    if (step === 2) continue;
    stepErrors[step] = check.tensors(`step${step}`, await model.readParameters(), reference, TOLERANCE.step);
  }
  return {
    model: spec.type,
    engine,
    maxRelError: {
      raw: rawError,
      pred: predError,
      loss: { total, ...termErrors },
      partGradNorm,
      grad,
      gradNorm,
      step1: stepErrors[1],
      step3: stepErrors[3],
    },
    pass: check.failures.length === 0,
    skippedTerms: skippedTerms(config),
    failures: check.failures,
  };
}

/** The reference file: its configuration and its arrays by name. */
class Reference {
  readonly config: Config;
  readonly spec: GradientSpec;
  readonly B: number;
  readonly T: number;
  readonly D: number;
  private readonly arrays: ReferenceArrays;

  constructor(arrays: ReferenceArrays) {
    this.arrays = arrays;
    const text = arrays.get('config')?.data;
    if (typeof text !== 'string') throw new Error('Not a reference file: it has no text array "config".');
    this.config = Config.parse(JSON.parse(text));
    const { inputs } = this.config;
    const hiddenBias = 'param/transformer_decoder.layers.0.linear1.bias';
    const spec = specOf(this.config, arrays.has(hiddenBias) ? this.array(hiddenBias).length : undefined);
    this.spec = inputs ? { ...spec, inputs } : spec;
    ({ B: this.B, T: this.T, D: this.D } = this.config);
  }

  values(name: string, elements: number): Float32Array<ArrayBuffer> {
    const data = this.array(name);
    if (data.length !== elements) {
      throw new Error(`Reference array ${name} has ${data.length} values, its configuration asks for ${elements}.`);
    }
    return Float32Array.from(data);
  }

  array(name: string): ArrayLike<number> {
    const data = this.arrays.get(name)?.data;
    if (data === undefined || typeof data === 'string') throw new Error(`Reference file has no array ${name}.`);
    return data;
  }

  /** All parameters below `prefix/`. */
  named(prefix: string, spec: GradientSpec): NamedTensors {
    const shapes = parameterShapes(spec);
    return new Map(
      shapes.map(({ name, shape }) => [
        name,
        this.values(
          `${prefix}/${name}`,
          shape.reduce((a, b) => a * b, 1),
        ),
      ]),
    );
  }
}

function specOf(config: Config, feedForward: number | undefined): GradientSpec {
  const { model: type, T, D } = config;
  const need = (key: 'd_model' | 'hidden_dim' | 'num_layers' | 'nhead'): number => {
    const value = config[key];
    if (value === undefined) throw new Error(`Reference configuration of ${type} lacks ${key}.`);
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
function skippedTerms({ weights }: Config): string[] {
  return [...TERMS.filter((term) => !(term in weights)), ...Object.keys(weights).filter((name) => !isTerm(name))];
}

function lossOf(config: Config): LossConfig {
  const foreign = Object.entries(config.weights).find(([name, lambda]) => !isTerm(name) && lambda !== 0);
  if (foreign) {
    throw new Error(
      `The reference file trains on the loss term "${foreign[0]}" (λ ${foreign[1]}), which this version does not have. ` +
        'Verify it with the version it was made for.',
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

function optimizerOf(config: Config): OptimizerConfig {
  return { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: config.weight_decay, clip: config.clip };
}

/**
 * Part of a parameter whose gradient is exactly zero, because a softmax does not see a constant added to its scores:
 * the reference holds rounding noise there, which Adam turns into full steps. [start, end) in elements, or null.
 */
export function zeroGradientRange(name: string, elements: number): readonly [number, number] | null {
  if (name === 'context_encoder.bias') return [0, elements];
  if (name.endsWith('in_proj_bias')) return [elements / 3, (2 * elements) / 3];
  return null;
}

class Checklist {
  readonly failures: string[] = [];

  tensor(kind: string, name: string, got: ArrayLike<number>, reference: Reference, tolerance: number): number {
    const error = relativeError(got, reference.array(name));
    this.expect(kind, name, error, tolerance);
    return error;
  }

  /** Largest error over all trained parameters, without the entries that have no gradient; those must be near zero in `grad`. */
  tensors(kind: string, got: NamedTensors, reference: Reference, tolerance: number): number {
    let largest = 0;
    for (const { name, shape, isConstant } of parameterShapes(reference.spec)) {
      if (isConstant) continue;
      const elements = shape.reduce((a, b) => a * b, 1);
      const expected = reference.values(`${kind}/${name}`, elements);
      const values = got.get(name);
      if (values?.length !== elements) {
        this.failures.push(
          `${kind} ${name}: the engine returned ${values?.length ?? 'no'} values, expected ${elements}`,
        );
        continue;
      }
      const skip = zeroGradientRange(name, elements);
      if (skip && kind === 'grad') this.expectZero(name, values.subarray(...skip));
      const kept = skip ? [without(values, skip), without(expected, skip)] : [values, expected];
      if (kept[0].length === 0) continue;
      const error = relativeError(kept[0], kept[1]);
      largest = Number.isNaN(error) ? NaN : Math.max(largest, error);
      this.expect(kind, name, error, tolerance);
    }
    return largest;
  }

  private expect(kind: string, name: string, error: number, tolerance: number): void {
    if (error <= tolerance) return;
    this.failures.push(`${kind} ${name}: relative error ${error.toExponential(2)} > ${tolerance.toExponential(0)}`);
  }

  private expectZero(name: string, values: Float32Array): void {
    const largest = values.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    if (largest < TOLERANCE.zeroGradient) return;
    this.failures.push(`grad ${name}: ${largest.toExponential(2)} where the gradient is zero (bound 1e-6)`);
  }
}

function without(values: Float32Array, [start, end]: readonly [number, number]): Float32Array {
  const kept = new Float32Array(values.length - (end - start));
  kept.set(values.subarray(0, start));
  kept.set(values.subarray(end), start);
  return kept;
}

/** ‖a − b‖/‖b‖; the plain distance where b is zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference) / (norm > 0 ? Math.sqrt(norm) : 1);
}

function unitRows(raw: Float32Array, D: number): Float32Array {
  const unit = Float32Array.from(raw);
  for (let start = 0; start < raw.length; start += D) {
    const row = unit.subarray(start, start + D);
    const norm = Math.max(Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)), 1e-12);
    row.forEach((x, i) => (row[i] = x / norm));
  }
  return unit;
}
