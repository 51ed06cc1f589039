/** Running sums of an epoch, weighted by rows, and the table of term figures made from them or from one step. Pure. */
import { TERMS, TERM_COUNT, byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED, type TermTable } from '#shared/domain/runs/training.ts';
import type { EpochSums } from '#shared/domain/runs/trainer-state.ts';
import type { StepStats } from '../types.ts';

export function emptySums(): EpochSums {
  return {
    rows: 0,
    steps: 0,
    total: 0,
    cosine: 0,
    gradNorm: 0,
    trainMs: 0,
    evaluationMs: 0,
    terms: {},
  };
}

/** Adds one step of `rows` rows, in place. */
export function addStep(sums: EpochSums, stats: StepStats, rows: number): void {
  sums.rows += rows;
  sums.steps += 1;
  sums.total += stats.total * rows;
  sums.cosine += stats.cosine * rows;
  sums.gradNorm += stats.gradNorm * rows;
  const gradShares = sharesOf(stats.gradNorms);
  TERMS.forEach((term, k) => {
    if (!Number.isFinite(stats.values[k])) return;
    const ofTerm = (sums.terms[term] ??= { rows: 0, value: 0, gradShare: 0 });
    ofTerm.rows += rows;
    ofTerm.value += stats.values[k] * rows;
    ofTerm.gradShare += gradShares[k] * rows;
  });
}

/** Each value over the sum of all; zeros where that is 0. Undefined (NaN) entries count as 0. */
export function sharesOf(values: ArrayLike<number>): Float64Array {
  const shares = new Float64Array(values.length);
  let sum = 0;
  for (let k = 0; k < shares.length; k++) {
    shares[k] = Number.isNaN(values[k]) ? 0 : Math.abs(values[k]);
    sum += shares[k];
  }
  if (sum > 0) for (let k = 0; k < shares.length; k++) shares[k] /= sum;
  return shares;
}

/** λ · value of each term; 0 where the term is undefined. */
export function weightedValues(loss: LossConfig, values: ArrayLike<number>): Float64Array {
  const weighted = new Float64Array(TERM_COUNT);
  for (let k = 0; k < TERM_COUNT; k++) weighted[k] = Number.isNaN(values[k]) ? 0 : loss.weights[TERMS[k]] * values[k];
  return weighted;
}

/** Means of the epoch so far, per term. */
export function termTable(loss: LossConfig, sums: EpochSums): TermTable {
  const values = TERMS.map((term) => {
    const ofTerm = sums.terms[term];
    return ofTerm && ofTerm.rows > 0 ? ofTerm.value / ofTerm.rows : NaN;
  });
  const weighted = weightedValues(loss, values);
  const shares = sharesOf(weighted);
  return byTerm((term, k) => {
    if (!Number.isFinite(values[k])) return TERM_NOT_MEASURED;
    const { rows, gradShare } = sums.terms[term];
    return { value: values[k], weighted: weighted[k], share: shares[k], gradShare: gradShare / rows };
  });
}

/** null for what is not a finite number: JSON has no NaN, and the contract says null. */
export function figure(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
