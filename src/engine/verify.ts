/**
 * Checks an engine against a PyTorch reference file: forward, losses, gradients, three optimiser steps. Relative L2 error
 * a tensor, ‖a − b‖/‖b‖, at the tolerances float32 engines agree to.
 */
import type { GradientType } from '#shared/domain/models/models.ts';
import { elementCount, parameterShapes } from '#shared/domain/models/shapes.ts';
import { byTerm, type Term } from '#shared/domain/models/terms.ts';
import { Reference, lossOf, optimizerOf, skippedTerms, type Config, type ReferenceArrays } from './reference.ts';
import type { Engine, EngineName, LossProbe, NamedTensors, TrainableModel, WindowSource } from './types.ts';

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

async function compare(engine: EngineName, model: TrainableModel, reference: Reference): Promise<VerifyResult> {
  const { config, spec, B, T, D } = reference;
  const check = new Checklist(reference);
  const contexts = reference.values('context', B * T * D);
  const targets = reference.values('target', B * D);
  const { raw } = await model.predict(contexts, B);
  const forward = {
    raw: check.tensor('raw', 'out/raw', raw, TOLERANCE.forward),
    pred: check.tensor('pred', 'out/pred', unitRows(raw, D), TOLERANCE.forward),
  };
  const backward = probeErrors(await model.probe(contexts, targets, B), config, check);
  const steps = await stepErrors(model, batchSource(contexts, targets, B, T, D), config, check);
  return {
    model: spec.type,
    engine,
    maxRelError: { ...forward, ...backward, ...steps },
    pass: check.failures.length === 0,
    skippedTerms: skippedTerms(config),
    failures: check.failures,
  };
}

type Errors = VerifyResult['maxRelError'];

/** Of the losses and their gradients. */
function probeErrors(
  probe: LossProbe,
  { weights }: Config,
  check: Checklist,
): Pick<Errors, 'loss' | 'partGradNorm' | 'grad' | 'gradNorm'> {
  const total = check.tensor('loss', 'loss/total', [probe.total], TOLERANCE.forward);
  const terms = byTerm((term, k) => {
    if (!(term in weights)) return null;
    return check.tensor('loss', `loss/${term}`, [probe.values[k]], TOLERANCE.forward);
  });
  const partGradNorm = byTerm((term, k) => {
    if (!(term in weights)) return null;
    return check.tensor('partGradNorm', `part_grad_norm/${term}`, [probe.partGradNorms[k]], TOLERANCE.gradient);
  });
  const grad = check.tensors('grad', probe.gradients, TOLERANCE.gradient);
  const gradNorm = check.tensor('gradNorm', 'grad_norm', [probe.gradNorm], TOLERANCE.gradient);
  return { loss: { total, ...terms }, partGradNorm, grad, gradNorm };
}

/** Of the parameters after the first and after the third of three optimiser steps on the batch. */
async function stepErrors(
  model: TrainableModel,
  source: WindowSource,
  { lr }: Config,
  check: Checklist,
): Promise<Pick<Errors, 'step1' | 'step3'>> {
  const ids = Uint32Array.from({ length: source.windows }, (_, i) => i);
  await model.trainStep({ source, ids, lr, step: 1 });
  const step1 = check.tensors('step1', await model.readParameters(), TOLERANCE.step);
  await model.trainStep({ source, ids, lr, step: 2 });
  await model.trainStep({ source, ids, lr, step: 3 });
  const step3 = check.tensors('step3', await model.readParameters(), TOLERANCE.step);
  return { step1, step3 };
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

/** Compares with the reference and notes what is out of tolerance. */
class Checklist {
  readonly failures: string[] = [];
  private readonly reference: Reference;

  constructor(reference: Reference) {
    this.reference = reference;
  }

  tensor(kind: string, name: string, got: ArrayLike<number>, tolerance: number): number {
    const error = relativeError(got, this.reference.array(name));
    this.expect(kind, name, error, tolerance);
    return error;
  }

  /** Largest error over all trained parameters, without the entries that have no gradient; those must be near zero in `grad`. */
  tensors(kind: string, got: NamedTensors, tolerance: number): number {
    let largest = 0;
    for (const { name, shape, isConstant } of parameterShapes(this.reference.spec)) {
      if (isConstant) continue;
      const elements = elementCount(shape);
      const expected = this.reference.values(`${kind}/${name}`, elements);
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
