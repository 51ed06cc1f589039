/**
 * Everything `nextvec evaluate` says about one predictor on some windows: cosines, baselines, offsets, collapse, rank,
 * order, alignment, samples. Numbers only; `shared/domain/verdicts/verdicts.ts` draws the conclusions. One pass over all
 * windows, then costlier measurements on fixed samples. B rows of a block, T context length, D vector width.
 */
import {
  liftOver,
  offsetKey,
  type BaselineTable,
  type Measurement,
  type Sample,
  type Spread,
} from '#shared/domain/evaluation/evaluation.ts';
import { recordOf } from '#shared/domain/records.ts';
import { BASELINES, type BaselineName } from '#shared/domain/runs/training.ts';
import { stream } from '../random.ts';
import { orderAblations, type Predictor } from './ablations.ts';
import { successors, type SuccessorReport } from './alignment.ts';
import { diversity, effectiveRank } from './collapse.ts';
import { ceilingFigures, intervalsOf, type CeilingCosines } from './intervals.ts';
import { withinArticleRank } from './ranking.ts';
import { contextMeans, cosine, squaredNorm, unitRows } from './vectors.ts';
import { walk, type WalkOptions } from './walk.ts';
import { blocks, gatherAll, type Split } from './windows.ts';

export interface MeasureOptions extends WalkOptions {
  /** Article of each window of the source (not of the split); absent: ranks are not measured. */
  readonly articleOf?: ArrayLike<number>;
  readonly samples?: number;
  /** null: not measured. */
  readonly ceiling?: CeilingCosines | null;
}

/** Sample sizes of the costlier measurements. */
const PROBE_ROWS = 512;
const RANKED_ROWS = 6000;
const ABLATION_ROWS = 2000;
const SUCCESSOR_ROWS = 2000;
const SAMPLES = 12;

export async function measure(model: Predictor, split: Split, options: MeasureOptions): Promise<Measurement> {
  const walked = await walk(model, split, options);
  const probe = await predictAll(model, draw(split, PROBE_ROWS, options.seed));
  const alignment = successors(split);
  const { T } = split.source;
  const mean = average(walked.cosines);
  const sets = [...walked.offsets].map((sum) => sum / split.ids.length);
  const keys = sets.map((_, t) => (t === T ? 'target' : offsetKey(t, T)));
  const table = (values: readonly number[]) => Object.fromEntries(keys.map((key, i) => [key, finite(values[i])]));
  const baselines = meanCosines(walked.baselineRows);
  const { cosine: interval, ...intervals } = intervalsOf({ ...walked, baselines }, split, options);
  return {
    rows: split.ids.length,
    cosine: { ...spreadOf(walked.cosines), low: interval?.low ?? null, high: interval?.high ?? null },
    mse: finite(walked.squares / (split.ids.length * split.source.D)),
    baselines,
    lift: liftOver(finite(mean), baselines),
    intervals,
    ceiling: options.ceiling ? ceilingFigures(options.ceiling, walked.cosines, split, options) : null,
    offsets: table(sets),
    beyondContext: finite(walked.beyond / walked.beyondRows),
    contextMeanOffsets: table([...walked.meanOffsets].map((sum) => sum / split.ids.length)),
    signFlipped: Number.isFinite(mean) ? mean < -0.05 : null,
    ...shape(probe, split.source.D),
    rawNorm: finite(walked.norms / split.ids.length),
    margin: finite(mean - sets[T - 1]),
    withinArticle: await ranks(model, split, options.articleOf),
    orderAblations: await orderAblations(model, draw(split, ABLATION_ROWS, options.seed), options.seed),
    alignment: {
      checked: alignment.checked,
      agreeing: alignment.agreeing,
      targetInContext: alignment.targetInContext,
      successorCosine: await successorCosine(model, split, alignment),
    },
    samples: await sampleTable(model, split, walked.contextMeans, options),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function meanCosines(rows: ReadonlyMap<BaselineName, Float32Array>): BaselineTable {
  return recordOf(BASELINES, (name) => {
    const ofBaseline = rows.get(name);
    return ofBaseline === undefined ? null : finite(average(ofBaseline));
  });
}

function average(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `count` windows of a split, drawn evenly and always the same for a seed. */
export function draw(split: Split, count: number, seed: number): Split {
  if (split.ids.length <= count) return split;
  const ids = split.ids.slice();
  stream(seed, 'evaluation').shuffle(ids);
  return { source: split.source, ids: ids.subarray(0, count).toSorted() };
}

interface Predicted {
  /** Unit predictions and unit targets, [n, D]. */
  readonly predictions: Float32Array;
  readonly targets: Float32Array;
}

async function predictAll(model: Predictor, split: Split): Promise<Predicted> {
  const { D } = split.source;
  const predictions = new Float32Array(split.ids.length * D);
  const wanted = new Float32Array(split.ids.length * D);
  for (const { contexts, targets, start, B } of blocks(split)) {
    predictions.set(unitRows((await model.predict(contexts, B)).raw, D), start * D);
    wanted.set(unitRows(targets, D), start * D);
  }
  return { predictions, targets: wanted };
}

function shape(
  { predictions, targets }: Predicted,
  D: number,
): Pick<Measurement, 'diversity' | 'effectiveRank' | 'spreadRatio'> {
  const spread = totalVariance(targets, D);
  return {
    diversity: { predictions: diversity(predictions, D), targets: diversity(targets, D) },
    effectiveRank: { predictions: effectiveRank(predictions, D), targets: effectiveRank(targets, D) },
    spreadRatio: spread === 0 ? null : finite(Math.sqrt(totalVariance(predictions, D) / spread)),
  };
}

/**
 * Variance of rows [N, D] summed over the columns, unbiased. Pooled, because sentence embeddings have columns that hardly
 * vary: a mean of ratios per column would be ruled by their near-zero denominators.
 */
function totalVariance(rows: Float32Array, D: number): number {
  const N = rows.length / D;
  if (N < 2) return 0;
  const means = new Float64Array(D);
  rows.forEach((x, i) => (means[i % D] += x / N));
  return rows.reduce((sum, x, i) => sum + (x - means[i % D]) ** 2, 0) / (N - 1);
}

async function ranks(
  model: Predictor,
  split: Split,
  articleOf: ArrayLike<number> | undefined,
): Promise<Measurement['withinArticle']> {
  const { D } = split.source;
  const whole = articleOf ? wholeArticles(split, articleOf) : new Uint32Array(0);
  const articles = Array.from(whole, (id) => articleOf?.[id] ?? -1);
  const { predictions, targets } = await predictAll(model, { source: split.source, ids: whole });
  return withinArticleRank(predictions, targets, articles, D);
}

/** Windows of as many whole articles as fit into `RANKED_ROWS`, in the split's order. */
function wholeArticles({ ids }: Split, articleOf: ArrayLike<number>): Uint32Array {
  const byArticle = new Map<number, number[]>();
  for (const id of ids) {
    const rows = byArticle.get(articleOf[id]);
    if (rows) rows.push(id);
    else byArticle.set(articleOf[id], [id]);
  }
  const taken: number[] = [];
  for (const rows of byArticle.values()) if (taken.length + rows.length <= RANKED_ROWS) taken.push(...rows);
  return Uint32Array.from(taken);
}

async function successorCosine(model: Predictor, split: Split, report: SuccessorReport): Promise<number | null> {
  const { T, D } = split.source;
  const every = Math.max(1, Math.ceil(report.successors.length / SUCCESSOR_ROWS));
  const some = report.successors.filter((_, i) => i % every === 0);
  if (some.length === 0) return null;
  const { predictions } = await predictAll(model, {
    source: split.source,
    ids: Uint32Array.from(some, (s) => split.ids[s.row]),
  });
  const standing = gatherAll({ source: split.source, ids: Uint32Array.from(some, (s) => s.window) });
  const sum = some.reduce((total, s, i) => total + cosine(predictions, i, standing.contexts, i * T + s.t, D), 0);
  return finite(sum / some.length);
}

/** Rows at even quantiles of the context-mean cosine, hardest first; the same rows for every model. */
async function sampleTable(
  model: Predictor,
  split: Split,
  contextMeanCosines: Float32Array,
  options: MeasureOptions,
): Promise<Sample[]> {
  const { T, D } = split.source;
  const order = Uint32Array.from(contextMeanCosines, (_, row) => row).toSorted(
    (a, b) => contextMeanCosines[a] - contextMeanCosines[b] || a - b,
  );
  const count = Math.min(options.samples ?? SAMPLES, order.length);
  const rows = Array.from(
    { length: count },
    (_, i) => order[Math.round((i * (order.length - 1)) / Math.max(count - 1, 1))],
  );
  const ids = Uint32Array.from(rows, (row) => split.ids[row]);
  const { contexts, targets } = gatherAll({ source: split.source, ids });
  const { raw, attention } = await model.predict(contexts, count);
  const means = contextMeans(contexts, count, T, D);
  return rows.map((_, i) => ({
    window: ids[i],
    article: options.articleOf?.[ids[i]] ?? null,
    cosine: cosine(raw, i, targets, i, D),
    predictionNorm: Math.sqrt(squaredNorm(raw, i, D)),
    targetNorm: Math.sqrt(squaredNorm(targets, i, D)),
    contextCosines: Array.from({ length: T }, (__, t) => cosine(raw, i, contexts, i * T + t, D)),
    contextMeanCosine: cosine(means, i, targets, i, D),
    attention: attention ? Array.from(attention.subarray(i * T, (i + 1) * T)) : null,
  }));
}

/** Mean, σ and percentiles (nearest rank below, interpolated). */
function spreadOf(values: Float32Array): Spread {
  const n = values.length;
  if (n === 0 || values.some((v) => !Number.isFinite(v)))
    return { mean: null, std: null, p5: null, p50: null, p95: null };
  const sorted = values.toSorted();
  const at = (share: number) => {
    const place = share * (n - 1);
    const low = Math.floor(place);
    return sorted[low] + (place - low) * (sorted[Math.min(low + 1, n - 1)] - sorted[low]);
  };
  const mean = average(values);
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(n - 1, 1);
  return { mean, std: Math.sqrt(variance), p5: at(0.05), p50: at(0.5), p95: at(0.95) };
}
