/** Text and table rows of a prediction. Pure. */
import type { Place, PredictedRow, PredictionResult } from '#shared/contract/inference.ts';
import { figure, percent, signed } from '#shared/domain/figures.ts';
import { modelRow, type ModelType } from '#shared/domain/models/models.ts';
import { formatCount } from '../../ui/text/format.ts';

/** "article 12, chunk 340", as far as the file says it, else the number of the vector. */
export function placeWords({ vector, article, chunk }: Place): string {
  const parts = [article === null ? '' : `article ${article}`, chunk === null ? '' : `chunk ${formatCount(chunk)}`];
  return parts.filter(Boolean).join(', ') || `vector ${formatCount(vector)}`;
}

export function rowWords({ row, place, context }: PredictedRow): string {
  if (context === null) return `Row ${formatCount(row)}`;
  const where = place ? ` · article ${place.article}, window ${place.index + 1} of ${place.of}` : '';
  return `Window ${formatCount(row)}${where}`;
}

/** Why no attention is shown. */
export function noAttention(model: ModelType): string {
  return modelRow(model).attention === 'none' ? 'none' : 'not measured';
}

export interface ContextRow {
  readonly label: string;
  /** Empty: of a file. */
  readonly place: string;
  /** null: no attention; `weightText` says why. */
  readonly weight: number | null;
  readonly weightText: string;
  readonly cosine: string;
}

/** The context, first position first. */
export function contextRows({ contextCosines, attention, context }: PredictedRow, model: ModelType): ContextRow[] {
  const T = contextCosines.length;
  return contextCosines.map((cosine, t) => {
    const weight = attention?.[t] ?? null;
    return {
      label: t === T - 1 ? 'Last' : `${T - 1 - t} before`,
      place: context ? placeWords(context[t]) : '',
      weight,
      weightText: weight === null ? noAttention(model) : percent(weight, 1),
      cosine: figure(cosine, 3),
    };
  });
}

export interface ShownBaseline {
  readonly label: string;
  readonly value: string;
  /** Lift of the model over the baseline. */
  readonly lift: number | null;
  readonly note: string;
}

export function baselineFigures({ targetCosine, baselines }: PredictedRow): ShownBaseline[] {
  const names = [
    ['Mean of context', baselines.contextMean],
    ['Last vector', baselines.lastVector],
  ] as const;
  return names.map(([label, cosine]) => {
    const lift = targetCosine === null || cosine === null ? null : targetCosine - cosine;
    return { label, value: figure(cosine), lift, note: lift === null ? '' : `model ${signed(lift)}` };
  });
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** "20 rows: mean cosine 0.4012, mean of context 0.4310, last vector 0.3902" */
export function summaryWords({ rows }: PredictionResult): string {
  const cosine = mean(rows.map((row) => row.targetCosine));
  if (cosine === null) return `${formatCount(rows.length)} rows without a target`;
  const contextMean = mean(rows.map((row) => row.baselines.contextMean));
  const lastVector = mean(rows.map((row) => row.baselines.lastVector));
  return `${formatCount(rows.length)} rows: mean cosine ${figure(cosine)}, mean of context ${figure(contextMean)}, last vector ${figure(lastVector)}`;
}
