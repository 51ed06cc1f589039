/**
 * What the evaluation of one checkpoint on one set of windows measured, in the shape `nextvec evaluate --json` prints.
 * A figure that was not measured, or that is undefined for the set, is null, never 0. Declarations and small helpers
 * only: `engine/evaluation` measures, `verdicts.ts` draws the conclusions. T context length, D vector width.
 */
import { z } from 'zod';
import { BASELINES, type BaselineName } from '../runs/training.ts';
import { ComparisonSchema } from '../datasets/passport.ts';
import { historyName, TaskSchema } from '../datasets/task.ts';
import { plural } from '../figures.ts';
import { recordOf } from '../records.ts';
import { IntervalSchema, type Interval } from './interval.ts';

const count = z.int().min(0);
const figure = z.number().nullable();
const besideTargets = z.object({ predictions: figure, targets: figure });

/** Largest |Δ| of the golden output, relative to its largest value, and of the stored validation cosine that loading may show. */
export const PARITY_LIMITS = { goldenRelative: 1e-4, valCosine: 1e-3 } as const;

export const ParitySchema = z.object({
  /** Largest absolute difference to the checkpoint's golden output. */
  goldenMaxAbs: figure,
  /** The same over the largest absolute golden value. */
  goldenMaxRelative: figure,
  /** Validation cosine now minus the one the checkpoint was stored with. */
  valCosineDelta: figure,
  ok: z.boolean(),
});
export type Parity = z.infer<typeof ParitySchema>;

export const SpreadSchema = z.object({ mean: figure, std: figure, p5: figure, p50: figure, p95: figure });
export type Spread = z.infer<typeof SpreadSchema>;

export const SampleSchema = z.object({
  /** Window of the set. */
  window: count,
  /** Article the window's target stands in; null where the file does not say. */
  article: z.int().nullable(),
  cosine: z.number(),
  predictionNorm: z.number(),
  targetNorm: z.number(),
  /** Cosine of the prediction to each context position, first position first. */
  contextCosines: z.array(z.number()),
  /** Cosine of the mean of the context to the target: what this window gives away for nothing. */
  contextMeanCosine: z.number(),
  /** Weight of each context position, where the model has one. */
  attention: z.array(z.number()).nullable(),
});
export type Sample = z.infer<typeof SampleSchema>;

export const WithinArticleSchema = z.object({
  /** Share of predictions whose nearest (5 nearest) vectors of the same article hold the target. */
  r1: figure,
  r5: figure,
  mrr: figure,
  /** Predictions ranked, and how many candidates they had on average. */
  ranked: count,
  candidates: figure,
});
export type WithinArticle = z.infer<typeof WithinArticleSchema>;

export const OrderAblationsSchema = z.object({
  /** Mean cosine of the same rows with their order kept; the others are read against it. */
  base: figure,
  shuffled: figure,
  reversed: figure,
  /** Mean cosine when position i is replaced by the mean of the others, first position first. */
  leaveOneOut: z.array(figure),
});
export type OrderAblations = z.infer<typeof OrderAblationsSchema>;

/** Whether the targets of a set follow their contexts, measured on the set alone. */
export const AlignmentSchema = z.object({
  /** Windows whose last context vector and target both stand in contexts of the set, so that the successor is known. */
  checked: count,
  /** Share of those whose target is that successor. */
  agreeing: figure,
  /** Mean cosine of the prediction to that successor. */
  successorCosine: figure,
  /** Share of windows whose target is one of their own context vectors. */
  targetInContext: figure,
});
export type Alignment = z.infer<typeof AlignmentSchema>;

function byBaseline<S extends z.ZodType>(schema: S) {
  return z.object(recordOf(BASELINES, () => schema));
}

/** A baseline that a stored evaluation of an earlier version lacks was not measured. */
export const BaselineTableSchema = byBaseline(figure.default(null));
const perBaseline = BaselineTableSchema;
export type BaselineTable = Readonly<Record<BaselineName, number | null>>;

const intervalPerBaseline = byBaseline(IntervalSchema.nullable().default(null));
/** 95 % intervals of the figures of the same name. */
export const IntervalsSchema = z.object({
  /** What was drawn with replacement, and how many of them the set has. */
  unit: z.enum(['articles', 'blocks']),
  groups: count,
  baselines: intervalPerBaseline,
  lift: intervalPerBaseline.extend({ best: IntervalSchema.nullable() }),
});
export type Intervals = z.infer<typeof IntervalsSchema>;

const CeilingFigureSchema = z.object({
  cosine: z.number(),
  interval: IntervalSchema.nullable(),
  /** Mean cosine of the model minus this one, on the same windows. */
  lift: figure,
  liftInterval: IntervalSchema.nullable(),
});
export type CeilingFigure = z.infer<typeof CeilingFigureSchema>;

/** What can be had on a set. No baseline: it has seen targets of the set. */
export const CeilingSchema = z.object({
  /** Windows it was measured on: all of the set, or evenly spread ones of a large one. */
  windows: count,
  /** Position weights fitted on the set, which they are measured on. */
  positionWeights: CeilingFigureSchema.extend({ weights: z.array(z.number()) }),
  /** Gram mixture whose gate was trained on one half of the set's articles and measured on the other, both ways. */
  gate: CeilingFigureSchema,
});
export type Ceiling = z.infer<typeof CeilingSchema>;

export const CEILINGS = ['positionWeights', 'gate'] as const;
export const CEILING_LABELS: Readonly<Record<(typeof CEILINGS)[number], string>> = {
  positionWeights: 'Position weights fitted on this set',
  gate: 'Gram mixture, gate trained on the other half of this set',
};
/** Beside every table that shows it. */
export const CEILING_NOTE =
  'A ceiling is no baseline: it has seen targets of this set, and says what can be had on it.';

/** Figures of one model on one set; everything a verdict looks at. */
export const MeasurementSchema = z.object({
  rows: count,
  /** `low`, `high`: 95 % interval of the mean. Evaluations of earlier versions lack it. */
  cosine: SpreadSchema.extend({ low: figure.default(null), high: figure.default(null) }),
  mse: figure,
  /** Mean cosine of each baseline to the same targets. */
  baselines: perBaseline,
  /** Mean cosine minus each baseline's, and minus the best of them. */
  lift: perBaseline.extend({ best: figure }),
  /** Evaluations of earlier versions lack them. */
  intervals: IntervalsSchema.nullable().default(null),
  /** null: not measured; it is measured on request. */
  ceiling: CeilingSchema.nullable().default(null),
  /** Mean cosine of the prediction to each position: "-4" … "0" is the context, last position 0, then "target". */
  offsets: z.record(z.string(), figure),
  /** The same for the mean of the context as the prediction: what nearness to the context alone gives. */
  contextMeanOffsets: z.record(z.string(), figure),
  /**
   * Mean cosine of prediction and target after both lose what lies in the span of the context: what the model adds to its
   * context. About 0 in a foreign space, whatever the context itself carries over.
   */
  beyondContext: figure,
  /** The prediction points away from the target; turned round it would point towards it. */
  signFlipped: z.boolean().nullable(),
  /** 1 − mean pairwise cosine. */
  diversity: besideTargets,
  /** exp(entropy) of the covariance's eigenvalue distribution. */
  effectiveRank: besideTargets,
  /** √(Σ_d σ²(unit prediction)_d / Σ_d σ²(unit target)_d). Evaluations stored by version 0.1 lack it. */
  spreadRatio: figure.default(null),
  /** Mean norm of the output before normalisation. */
  rawNorm: figure,
  /** Mean of cos(prediction, target) − cos(prediction, last context vector). */
  margin: figure,
  withinArticle: WithinArticleSchema,
  orderAblations: OrderAblationsSchema,
  alignment: AlignmentSchema,
  samples: z.array(SampleSchema),
});
export type Measurement = z.infer<typeof MeasurementSchema>;

export const SEVERITIES = ['info', 'warning', 'error'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const VERDICT_CODES = [
  'WRONG_FORWARD_PASS',
  'EVALUATION_BROKEN',
  'EVALUATOR_FAULT',
  'DIFFERENT_SPACE',
  'SHIFTED_SPACE',
  'SIGN_FLIP',
  'ALIGNMENT',
  'CONSTANT_COLLAPSE',
  'DIMENSIONAL_COLLAPSE',
  'LEAKED_SPLIT',
  'OVERFIT',
  'HARDER_DATA',
  'EASIER_OOD',
  'LOSS_OUT_OF_BALANCE',
  'BELOW_BASELINE',
  'NOT_DISTINGUISHABLE',
] as const;
export type VerdictCode = (typeof VERDICT_CODES)[number];

export const VerdictSchema = z.object({
  code: z.enum(VERDICT_CODES),
  severity: z.enum(SEVERITIES),
  /** What is the case, why the figures say so, what to do. */
  message: z.string(),
  /** The figures the rule looked at. */
  evidence: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
});
export type Verdict = z.infer<typeof VerdictSchema>;

/** What the run's own validation windows gave, to hold another set against. */
export const ReferenceSchema = z.object({
  rows: count,
  cosine: z.number(),
  std: figure,
  baselines: perBaseline,
});
export type Reference = z.infer<typeof ReferenceSchema>;

export const EvaluationSchema = MeasurementSchema.extend({
  runId: z.string(),
  runNumber: z.int(),
  runName: z.string(),
  modelType: z.string(),
  /** Evaluations of earlier versions lack it: no history. */
  task: TaskSchema.nullable().default(null),
  checkpoint: z.object({ kind: z.enum(['best', 'last']), epoch: count }),
  data: z.object({ id: z.string().nullable(), name: z.string(), windows: count, part: z.string() }),
  engine: z.string(),
  evaluatedAt: z.number(),
  durationMs: z.number(),
  parity: ParitySchema,
  reference: ReferenceSchema.nullable(),
  /** Is the set in the space of the training set? null: not measured. */
  space: ComparisonSchema.nullable(),
  verdicts: z.array(VerdictSchema),
});
export type Evaluation = z.infer<typeof EvaluationSchema>;

/** Baselines that hold in any space, because rotating every vector changes nothing about them. */
export const SPACE_FREE_BASELINES = ['contextMean', 'lastVector', 'weightedMean'] as const satisfies BaselineName[];

/** The strongest of some baselines that was measured. */
export function bestBaseline(
  table: Partial<BaselineTable>,
  among: readonly BaselineName[] = BASELINES,
): { readonly name: BaselineName; readonly cosine: number } | null {
  let best: { name: BaselineName; cosine: number } | null = null;
  for (const name of among) {
    const cosine = table[name] ?? null;
    if (cosine !== null && (best === null || cosine > best.cosine)) best = { name, cosine };
  }
  return best;
}

/** Lift of a mean cosine over each measured baseline and over the best one. */
export function liftOver(cosine: number | null, table: BaselineTable): Measurement['lift'] {
  const minus = (baseline: number | null) => (cosine === null || baseline === null ? null : cosine - baseline);
  return { ...recordOf(BASELINES, (name) => minus(table[name])), best: minus(bestBaseline(table)?.cosine ?? null) };
}

/** 95 % interval of the mean cosine; null where it was not measured. */
export function cosineInterval({ cosine: { low, high } }: Measurement): Interval | null {
  // Stored evaluations of earlier versions have neither.
  return typeof low === 'number' && typeof high === 'number' ? { low, high } : null;
}

/** What the intervals of an evaluation were drawn over; empty where there are none. */
export function intervalSource({ intervals }: Measurement): string {
  if (!intervals) return '';
  const { unit, groups } = intervals;
  return `95 % intervals over ${plural(groups, unit === 'articles' ? 'article' : 'block')}${unit === 'articles' ? '' : ' of consecutive windows'}`;
}

function placeOf(key: string): number {
  return key === 'target' ? 1 : Number(key);
}

/** Offsets from the first position to the target; the order of an object's keys would put "0" first. */
export function offsetEntries(offsets: Measurement['offsets']): [string, number | null][] {
  return Object.entries(offsets).toSorted(([a], [b]) => placeOf(a) - placeOf(b));
}

/** `offsetEntries` by name: an input of history has its own, e.g. "article mean" for "-6". */
export function namedOffsets({ offsets, task }: Pick<Evaluation, 'offsets' | 'task'>): [string, number | null][] {
  return offsetEntries(offsets).map(([key, value], t) => [historyName(t, task) ?? key, value]);
}

/** Key of context position t of T in `offsets`: the last position is "0". */
export function offsetKey(t: number, T: number): string {
  return String(t - T + 1);
}
