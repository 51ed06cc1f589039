/** Curves of an imported run, as its file states them: by step where they were logged so, else by epoch. */
import { isTerm } from '#shared/domain/models/terms.ts';
import type { EpochRecord, StepColumn } from '#shared/domain/runs/training.ts';
import { NO_POINTS, pointsFrom, withoutGaps, type Points } from '../charts/data/columns.ts';

/** Step at the end of an epoch. A history without steps counts one step per epoch. */
export function endOf({ epoch, step }: Pick<EpochRecord, 'epoch' | 'step'>): number {
  return step > 0 ? step : epoch;
}

type EpochFigure = (epoch: EpochRecord) => number | null;

const FIGURES: Partial<Readonly<Record<StepColumn, EpochFigure>>> = {
  total: (e) => e.trainLoss,
  cosine: (e) => e.trainCosine,
  lr: (e) => e.lr,
  gradNorm: (e) => e.gradNorm,
};

/** The mean of a step column over each epoch; null: epochs have none. */
function figureOf(column: StepColumn): EpochFigure | null {
  const [kind, term] = column.split('/');
  if (kind === 'value' && isTerm(term)) return (e) => e.terms[term].value;
  return FIGURES[column] ?? null;
}

/** `steps`: the series of the column, empty where none was logged. `x`: of an epoch. */
export function statedPoints(
  column: StepColumn,
  steps: Points,
  epochs: readonly EpochRecord[],
  x: (epoch: EpochRecord) => number,
): Points {
  const logged = withoutGaps(steps);
  if (logged.x.length > 0) return logged;
  const figure = figureOf(column);
  return figure === null ? NO_POINTS : withoutGaps(pointsFrom(epochs, x, figure));
}
