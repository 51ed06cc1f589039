/**
 * Checks an engine on a run's own batch before it trains: loss, terms and gradients beside those of another engine with the
 * same parameters. B rows, T context length, D vector width.
 */
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import type { LossProbe, TrainableModel } from './types.ts';
import { relativeError, zeroGradientRange } from './verify.ts';

export interface Batch {
  /** [B, T, D] */
  readonly contexts: Float32Array<ArrayBuffer>;
  /** [B, D] */
  readonly targets: Float32Array<ArrayBuffer>;
  readonly B: number;
}

/** Largest relative error that is rounding. */
export const PARITY_TOLERANCE = 1e-4;
/** Losses below this are compared as if they were this large: a hinge may be 0 on one engine and rounding noise on the other. */
const SMALL_LOSS = 1e-3;
/** As a share of the whole gradient: a parameter with a smaller one is compared as if it were this large. */
const SMALL_GRADIENT = 1e-2;

export interface Difference {
  /** E.g. "loss", "term mse", "gradient of position_weights". */
  readonly quantity: string;
  readonly relativeError: number;
}

/** Differences of `model` from `reference`, the largest first; null: the reference itself is not finite on this batch. */
export async function compareOnBatch(
  model: TrainableModel,
  reference: TrainableModel,
  { contexts, targets, B }: Batch,
): Promise<readonly Difference[] | null> {
  const expected = await reference.probe(contexts, targets, B);
  if (!Number.isFinite(expected.total) || !Number.isFinite(expected.gradNorm)) return null;
  const actual = await model.probe(contexts, targets, B);
  const differences = [...lossDifferences(actual, expected), ...gradientDifferences(model, actual, expected)];
  // What is not a number differs most.
  const rank = ({ relativeError: error }: Difference): number => (Number.isNaN(error) ? Infinity : error);
  return differences.toSorted((a, b) => rank(b) - rank(a));
}

function lossDifferences(actual: LossProbe, expected: LossProbe): Difference[] {
  const of = (quantity: string, a: number, b: number): Difference => ({
    quantity,
    relativeError: Math.abs(a - b) / Math.max(Math.abs(b), SMALL_LOSS),
  });
  const terms = TERMS.flatMap((term, k) => {
    const value = expected.values[k];
    return Number.isNaN(value) ? [] : [of(`term ${term}`, actual.values[k], value)];
  });
  return [of('loss', actual.total, expected.total), ...terms];
}

function gradientDifferences({ spec }: TrainableModel, actual: LossProbe, expected: LossProbe): Difference[] {
  const small = SMALL_GRADIENT * expected.gradNorm;
  return parameterShapes(spec).flatMap(({ name, isConstant }) => {
    const [a, b] = [actual.gradients.get(name), expected.gradients.get(name)];
    if (isConstant || !b) return [];
    const skip = zeroGradientRange(name, b.length);
    if (skip && skip[1] - skip[0] === b.length) return [];
    const error = a ? relativeError(a, b) : Infinity;
    const norm = Math.sqrt(b.reduce((sum, x) => sum + x * x, 0)) || 1;
    return [{ quantity: `gradient of ${name}`, relativeError: error * Math.min(1, norm / small) }];
  });
}
