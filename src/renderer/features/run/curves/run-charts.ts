/** Which series, reference lines and markers each chart of a run shows. Pure; the same for a live run and a finished one. */
import type { GateResult, RunSummary } from '#shared/contract/runs.ts';
import { TERMS, infoNceChance } from '#shared/domain/models/terms.ts';
import { BASELINES, type EpochRecord, type StepColumn } from '#shared/domain/runs/training.ts';
import { bandedFrom, pointsFrom, type Points } from '../../../charts/data/columns.ts';
import type { ChartMarker, ChartSeries, ReferenceLine } from '../../../charts/drawing/scene.ts';
import { STYLES, TERM_STYLES, baselineStyle, type SeriesStyle } from '../../../charts/drawing/series-style.ts';
import { gateLabel } from '../../../parts/run-words.ts';
import { endOf } from '../../../parts/stated-curves.ts';
import type { RatePoint } from '../use-run.ts';

type StepPoints = (column: StepColumn) => Points;

export function perEpoch(
  key: string,
  style: SeriesStyle,
  epochs: readonly EpochRecord[],
  value: (epoch: EpochRecord) => number | null,
): ChartSeries {
  return { key, style, points: pointsFrom(epochs, endOf, value), sparse: true };
}

/** A cosine of each epoch with its 95 % interval as a band. */
export function measuredPerEpoch(rows: 'validation' | 'ood', epochs: readonly EpochRecord[]): ChartSeries {
  const metric = rows === 'ood' ? 'oodCosine' : 'valCosine';
  const points = bandedFrom(
    epochs,
    endOf,
    (e) => e[metric],
    (e) => e.intervals?.[metric],
  );
  return { key: rows, style: STYLES[rows], points, sparse: true };
}

export function lossSeries(points: StepPoints): ChartSeries[] {
  const terms = TERMS.map((term) => ({ key: term, style: TERM_STYLES[term], points: points(`value/${term}`) }));
  return [...terms, { key: 'total', style: STYLES.total, points: points('total') }];
}

/** Terms that are measured but not trained on; hidden at first. */
export function untrainedTerms(run: RunSummary): string[] {
  return TERMS.filter((term) => run.recipe.lambda[term] === 0);
}

export function chanceLine(run: RunSummary): ReferenceLine[] {
  const passive = run.recipe.lambda.info_nce === 0;
  return [{ key: 'chance', style: STYLES.chance, y: infoNceChance(run.recipe.batchSize), passive }];
}

/** Largest gradient norm after clipping; none when clipping is off. */
export function clipLine({ recipe: { clip } }: RunSummary): ReferenceLine[] {
  return clip > 0 ? [{ key: 'clip', style: STYLES.clip, y: clip, passive: true }] : [];
}

/** Stacked shares of the total; only the terms that are trained on have any. */
export function shareSeries(kind: 'share' | 'gradShare', run: RunSummary, points: StepPoints): ChartSeries[] {
  const trained = TERMS.filter((term) => run.recipe.lambda[term] > 0);
  return trained.map((term) => ({ key: term, style: TERM_STYLES[term], points: points(`${kind}/${term}`) }));
}

export function cosineSeries(points: StepPoints, epochs: readonly EpochRecord[]): ChartSeries[] {
  return [
    { key: 'train', style: STYLES.train, points: points('cosine') },
    measuredPerEpoch('validation', epochs),
    measuredPerEpoch('ood', epochs),
  ];
}

/** Of a model without step series. */
export function epochCosineSeries(epochs: readonly EpochRecord[]): ChartSeries[] {
  return [
    perEpoch('train', STYLES.train, epochs, (e) => e.trainCosine),
    measuredPerEpoch('validation', epochs),
    measuredPerEpoch('ood', epochs),
  ];
}

export function epochLossSeries(epochs: readonly EpochRecord[]): ChartSeries[] {
  return [perEpoch('loss', STYLES.train, epochs, (e) => e.trainLoss)];
}

export function baselineLines(run: RunSummary): ReferenceLine[] {
  return (['validation', 'ood'] as const).flatMap((rows) =>
    BASELINES.flatMap((name) => {
      const figures = run.baselines[name];
      const y = rows === 'ood' ? figures?.oodCosine : figures?.valCosine;
      return y === null || y === undefined ? [] : [{ key: `${rows}/${name}`, style: baselineStyle(name, rows), y }];
    }),
  );
}

/** Only the mean of the context is shown at first; the other baselines can be shown from the legend. */
export function hiddenBaselines(run: RunSummary): string[] {
  return baselineLines(run)
    .map((line) => line.key)
    .filter((key) => !key.endsWith('/contextMean'));
}

export function gateMarkers(gates: readonly GateResult[], epochs: readonly EpochRecord[]): ChartMarker[] {
  return gates.flatMap((result) => {
    const epoch = epochs.find((e) => e.epoch === result.epoch);
    if (!epoch) return [];
    const tone = result.passed ? 'good' : result.gate.action === 'warn' ? 'warn' : 'bad';
    return [{ x: epoch.step, label: gateLabel(result.gate), tone }];
  });
}

export function diversitySeries(epochs: readonly EpochRecord[]): ChartSeries[] {
  return [
    perEpoch('predictions', STYLES.predictions, epochs, (e) => e.diversity.predictions),
    perEpoch('targets', STYLES.targets, epochs, (e) => e.diversity.targets),
  ];
}

export function effectiveRankSeries(epochs: readonly EpochRecord[]): ChartSeries[] {
  return [
    perEpoch('predictions', STYLES.predictions, epochs, (e) => e.effectiveRank.predictions),
    perEpoch('targets', STYLES.targets, epochs, (e) => e.effectiveRank.targets),
  ];
}

/** One point an epoch before this session, then one a step block. */
export function rateSeries(epochs: readonly EpochRecord[], rates: readonly RatePoint[]): ChartSeries[] {
  const liveFrom = rates[0]?.step ?? Infinity;
  const earlier = epochs
    .filter((e) => e.step < liveFrom)
    .map((e) => ({ step: e.step, rowsPerSecond: e.rowsPerSecond }));
  const points = pointsFrom(
    [...earlier, ...rates],
    (r) => r.step,
    (r) => r.rowsPerSecond,
  );
  return [{ key: 'rate', style: STYLES.rowsPerSecond, points, sparse: rates.length === 0 }];
}
