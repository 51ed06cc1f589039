/** The balance of the loss terms, and a warning when one term dominates. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { TERMS, TERM_LABELS, byTerm, type Term } from '#shared/domain/models/terms.ts';
import type { StepColumn, TermFigures } from '#shared/domain/runs/training.ts';
import { lastValue, type Points } from '../charts/data/columns.ts';
import { formatShare } from '../ui/text/format.ts';

export interface BalanceRow extends TermFigures {
  readonly term: Term;
  readonly lambda: number;
}

/** Gradient shares from which a term counts as dominant, and below which as not trained. */
const ALONE = 0.95;
const SILENT = 0.01;

export function balanceRows(
  lambda: Readonly<Record<Term, number>>,
  figures: Readonly<Record<Term, TermFigures>>,
): BalanceRow[] {
  return TERMS.map((term) => ({ term, lambda: lambda[term], ...figures[term] }));
}

/** Figures of the last step, before the first epoch has ended. */
export function stepFigures(run: RunSummary, points: (column: StepColumn) => Points): Record<Term, TermFigures> {
  const figures = (term: Term): TermFigures => {
    const value = lastValue(points(`value/${term}`));
    return {
      value,
      weighted: value === null ? null : run.recipe.lambda[term] * value,
      share: lastValue(points(`share/${term}`)),
      gradShare: lastValue(points(`gradShare/${term}`)),
    };
  };
  return byTerm(figures);
}

/** Warns when one term has nearly all of the gradient and another trained term has none. */
export function imbalance(rows: readonly BalanceRow[]): string | null {
  const trained = rows.filter((row) => row.lambda > 0 && row.gradShare !== null);
  const ruler = trained.find((row) => (row.gradShare ?? 0) >= ALONE);
  const silent = trained.filter((row) => (row.gradShare ?? 1) < SILENT);
  if (!ruler || silent.length === 0) return null;
  const names = silent.map((row) => TERM_LABELS[row.term]).join(', ');
  const verb = silent.length === 1 ? 'hardly trains' : 'hardly train';
  return `${TERM_LABELS[ruler.term]} takes ${formatShare(ruler.gradShare)} of the gradient; ${names} ${verb}.`;
}
