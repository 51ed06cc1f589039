import { describe, expect, it } from 'vitest';
import { TERMS, type Term } from '#shared/domain/models/terms.ts';
import { imbalance, type BalanceRow } from '../../../src/renderer/parts/loss-balance.ts';

function rows(gradShares: Partial<Record<Term, number | null>>): BalanceRow[] {
  return TERMS.map((term) => ({
    term,
    lambda: term in gradShares ? 1 : 0,
    value: 1,
    weighted: 1,
    share: null,
    gradShare: gradShares[term] ?? null,
  }));
}

describe('imbalance', () => {
  it('names the dominant term and the negligible ones', () => {
    expect(imbalance(rows({ mse: 0.002, info_nce: 0.99, variance: 0.008 }))).toBe(
      'InfoNCE takes 99.0\u202f% of the gradient; MSE, Variance hardly train.',
    );
    expect(imbalance(rows({ mse: 0.002, info_nce: 0.998 }))).toMatch(/MSE hardly trains\.$/);
  });

  it('reports nothing for a fair balance, a single trained term, or no measurement', () => {
    expect(imbalance(rows({ mse: 0.4, info_nce: 0.6 }))).toBeNull();
    expect(imbalance(rows({ mse: 1 }))).toBeNull();
    expect(imbalance(rows({ mse: null, info_nce: null }))).toBeNull();
  });
});
