/** Running sums of an epoch, weighted by rows, and the table of term figures made from them or from one step. Pure. */
import { TERMS, TERM_COUNT, type LossConfig, type Term } from '#shared/domain/terms.ts';
import type { EpochSums, TermFigures, TermTable } from '#shared/domain/training.ts';
import type { StepStats } from '../types.ts';

const zeros = (): number[] => Array.from({ length: TERM_COUNT }, () => 0);

export function emptySums(): EpochSums {
  return {
    rows: 0,
    steps: 0,
    total: 0,
    cosine: 0,
    gradNorm: 0,
    termRows: zeros(),
    values: zeros(),
    gradShares: zeros(),
    trainMs: 0,
    evaluationMs: 0,
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
  for (let k = 0; k < TERM_COUNT; k++) {
    if (!Number.isFinite(stats.values[k])) continue;
    sums.termRows[k] += rows;
    sums.values[k] += stats.values[k] * rows;
    sums.gradShares[k] += gradShares[k] * rows;
  }
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
  const mean = (sum: number, k: number) => (sums.termRows[k] > 0 ? sum / sums.termRows[k] : NaN);
  const values = sums.values.map(mean);
  const weighted = weightedValues(loss, values);
  const shares = sharesOf(weighted);
  const entries = TERMS.map((term, k): [Term, TermFigures] => {
    const isDefined = Number.isFinite(values[k]);
    return [
      term,
      {
        value: isDefined ? values[k] : null,
        weighted: isDefined ? weighted[k] : null,
        share: isDefined ? shares[k] : null,
        gradShare: isDefined ? mean(sums.gradShares[k], k) : null,
      },
    ];
  });
  return Object.fromEntries(entries) as TermTable;
}

/** null for what is not a finite number: JSON has no NaN, and the contract says null. */
export function figure(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
