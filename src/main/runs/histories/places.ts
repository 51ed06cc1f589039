/** Gives the names of logged rows their places: each figure and each column of the step series to one curve. */
import type { StepColumn } from '#shared/domain/runs/training.ts';
import type { LoggedRow } from './logged.ts';
import { counterOf, figureOfColumn, placeOf, type CurvePlace, type Figure } from './names.ts';

export interface ChosenPlaces {
  /** By name. A name can be in both. */
  readonly figures: ReadonlyMap<string, { readonly figure: Figure; readonly scale: number }>;
  readonly columns: ReadonlyMap<string, { readonly column: StepColumn; readonly scale: number }>;
  /** Names that count steps and epochs. */
  readonly counters: { readonly step: string | null; readonly epoch: string | null };
  /** Names without a place, in the order in which they were logged. */
  readonly left: readonly string[];
}

/**
 * Where several names fit one place, one of epochs or steps alone is taken first (`train_loss_epoch`), then the one with
 * more values, then the longer one.
 */
export function choosePlaces(rows: readonly LoggedRow[]): ChosenPlaces {
  const counts = countsOf(rows);
  const names = [...counts.keys()];
  const counters = { step: firstCounter(names, 'step'), epoch: firstCounter(names, 'epoch') };
  const curves = names.filter((name) => counterOf(name) === null);
  const candidates = curves.flatMap((name): Candidate[] => {
    const place = placeOf(name);
    return place === null ? [] : [{ name, place, count: counts.get(name) ?? 0 }];
  });
  const figures = new Map<string, { figure: Figure; scale: number }>();
  const columns = new Map<string, { column: StepColumn; scale: number }>();
  const taken = new Set<Figure | `column ${StepColumn}`>();
  const takeFigure = (name: string, figure: Figure | null, scale: number): void => {
    if (figure === null || taken.has(figure)) return;
    taken.add(figure);
    figures.set(name, { figure, scale });
  };
  for (const { name, place } of candidates.toSorted(byRank)) {
    const { figure, column, scale } = place;
    takeFigure(name, figure, scale);
    if (column === null || taken.has(`column ${column}`)) continue;
    taken.add(`column ${column}`);
    columns.set(name, { column, scale });
  }
  // Where only steps were logged, an epoch has their mean.
  for (const [name, { column, scale }] of columns) takeFigure(name, figureOfColumn(column), scale);
  return { figures, columns, counters, left: curves.filter((name) => !figures.has(name) && !columns.has(name)) };
}

interface Candidate {
  readonly name: string;
  readonly place: CurvePlace;
  readonly count: number;
}

function byRank(a: Candidate, b: Candidate): number {
  const isOfOneKind = ({ place }: Candidate): boolean => place.figure === null || place.column === null;
  return Number(isOfOneKind(b)) - Number(isOfOneKind(a)) || b.count - a.count || b.name.length - a.name.length;
}

/** Number of values by name. W&B begins the names of its own values, such as _runtime, with an underscore: no curves. */
function countsOf(rows: readonly LoggedRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { values } of rows) {
    for (const name of values.keys()) if (!name.startsWith('_')) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function firstCounter(names: readonly string[], kind: 'step' | 'epoch'): string | null {
  return names.find((name) => counterOf(name) === kind) ?? null;
}
