/**
 * Calls about figures one can believe: evaluation with parity, cross-test, comparison of runs and of data sets, loss
 * balance, reports and the claims they make.
 */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { BaselineTableSchema, EvaluationSchema } from '#shared/domain/evaluation/evaluation.ts';
import { ClaimOutcomeSchema } from '#shared/domain/verdicts/claims.ts';
import { IntervalSchema } from '#shared/domain/evaluation/interval.ts';
import { RunComparisonSchema } from '#shared/domain/evaluation/comparison.ts';
import { InspectionSchema, WindowPickSchema } from '#shared/domain/evaluation/inspection.ts';
import { ComparisonSchema } from '#shared/domain/datasets/passport.ts';
import { RecipeSchema, TrainableRecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { MAP_METHODS, VectorMapSchema } from '#shared/domain/datasets/vector-map.ts';
import { TERMS, byTerm } from '#shared/domain/models/terms.ts';
import { TermTableSchema } from '#shared/domain/runs/training.ts';
import { query } from './call.ts';

const runId = z.string().min(1);

const numberPerTerm = z.object(byTerm(() => z.number()));

/** Windows of a data set to evaluate on: of the run's own training set one side of its split, or all. */
export const EVALUATION_PARTS = ['validation', 'train', 'all'] as const;
export type EvaluationPart = (typeof EVALUATION_PARTS)[number];

export const WorkProgressSchema = z.object({
  type: z.literal('progress'),
  phase: z.string(),
  /** 0..1, null while unknown. */
  fraction: z.number().nullable(),
});
export type WorkProgress = z.infer<typeof WorkProgressSchema>;

export const EvaluationEventSchema = z.discriminatedUnion('type', [
  WorkProgressSchema,
  z.object({ type: z.literal('done'), evaluation: EvaluationSchema }),
]);
export type EvaluationEvent = z.infer<typeof EvaluationEventSchema>;

export const MapEventSchema = z.discriminatedUnion('type', [
  WorkProgressSchema,
  z.object({ type: z.literal('done'), map: VectorMapSchema }),
]);
export type MapEvent = z.infer<typeof MapEventSchema>;

/** One cell of a cross-test; the full evaluation is stored and listed by `evaluation.list`. */
export const MatrixCellSchema = z.object({
  runId: z.string(),
  datasetId: z.string(),
  cosine: z.number().nullable(),
  /** Over the best baseline of the same rows. */
  lift: z.number().nullable(),
  /** 95 % intervals of the two. */
  cosineInterval: IntervalSchema.nullable(),
  liftInterval: IntervalSchema.nullable(),
  baselines: BaselineTableSchema,
  verdicts: z.array(z.string()),
  /** Why there is no figure; empty otherwise. */
  error: z.string(),
});
export type MatrixCell = z.infer<typeof MatrixCellSchema>;

/** What the first batches of a recipe measured, before it trains in earnest. */
export const FirstBatchesSchema = z.object({ terms: TermTableSchema, batches: z.int() });
export type FirstBatches = z.infer<typeof FirstBatchesSchema>;

export const FirstBatchesEventSchema = z.discriminatedUnion('type', [
  WorkProgressSchema,
  z.object({ type: z.literal('done'), firstBatches: FirstBatchesSchema }),
]);
export type FirstBatchesEvent = z.infer<typeof FirstBatchesEventSchema>;

export const BalanceSchema = z.object({
  /** λ to put into the recipe. */
  lambda: numberPerTerm,
  asked: numberPerTerm,
  /** Gradient shares these λ gave on the first batches. */
  shares: numberPerTerm,
  /** Largest distance of a share to what was asked, 0..1. */
  worst: z.number(),
  silent: z.array(z.enum(TERMS)),
  batches: z.int(),
  /** Terms on those batches, under the recipe's own λ and under the new ones. */
  before: TermTableSchema,
  terms: TermTableSchema,
});
export type Balance = z.infer<typeof BalanceSchema>;

export const BalanceEventSchema = z.discriminatedUnion('type', [
  WorkProgressSchema,
  z.object({ type: z.literal('done'), balance: BalanceSchema }),
]);
export type BalanceEvent = z.infer<typeof BalanceEventSchema>;

const text = z.string();
export const ReportBlockSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('paragraph'), text }),
  z.object({ kind: z.literal('list'), ordered: z.boolean(), items: z.array(text) }),
  z.object({
    kind: z.literal('table'),
    caption: text,
    columns: z.array(z.object({ label: text, align: z.enum(['left', 'right']) })),
    rows: z.array(z.array(text)),
  }),
  z.object({ kind: z.literal('code'), text }),
  /** A drawn chart, as an SVG document. */
  z.object({ kind: z.literal('chart'), title: text, svg: text, caption: text }),
]);
export type ReportBlock = z.infer<typeof ReportBlockSchema>;

/** A report as data, for the screen. Texts know two marks: `code` and **strong**. */
export const ReportDocumentSchema = z.object({
  title: text,
  subtitle: text,
  summary: z.array(ReportBlockSchema),
  sections: z.array(z.object({ title: text, blocks: z.array(ReportBlockSchema) })),
});
export type ReportOnScreen = z.infer<typeof ReportDocumentSchema>;

export const ReportEventSchema = z.discriminatedUnion('type', [
  WorkProgressSchema,
  z.object({
    type: z.literal('done'),
    title: z.string(),
    text: z.string(),
    document: ReportDocumentSchema,
    /** Charts beside a Markdown report, by the name it links to. */
    files: z.array(z.object({ name: z.string(), text: z.string() })),
    claim: ClaimOutcomeSchema.nullable(),
    /** The corrected recipe, ready for the form. */
    recipe: RecipeSchema.nullable(),
  }),
]);
export type ReportEvent = z.infer<typeof ReportEventSchema>;

export const StoredClaimSchema = z.object({
  id: z.int(),
  /** Run the report was about. */
  runId: z.string(),
  madeAt: z.number(),
  recipe: RecipeSchema,
  outcome: ClaimOutcomeSchema,
});
export type StoredClaim = z.infer<typeof StoredClaimSchema>;

export const evaluationContract = {
  /** Evaluates the best checkpoint; PARITY_FAILED when it does not reproduce its own golden output and validation cosine. */
  evaluate: query
    .input(
      z.object({
        runId,
        datasetId: z.string().min(1),
        part: z.enum(EVALUATION_PARTS).optional(),
        /** Also measure what can be had on the set; BAD_INPUT for windows the run has trained on. */
        ceiling: z.boolean().default(false),
      }),
    )
    .output(eventIterator(EvaluationEventSchema)),
  /** Stored evaluations of a run, newest first. */
  list: query.input(z.object({ runId })).output(z.array(EvaluationSchema)),
  /** One window through the best checkpoint, parity proven first; the next window of the same run and set comes at once. */
  inspect: query
    .input(
      z.object({
        runId,
        datasetId: z.string().min(1),
        part: z.enum(EVALUATION_PARTS).optional(),
        pick: WindowPickSchema,
      }),
    )
    .output(InspectionSchema),
  /** Every chosen run on every chosen set, a cell at a time. */
  crossTest: query
    .input(z.object({ runIds: z.array(runId).min(1).max(50), datasetIds: z.array(z.string().min(1)).min(1).max(20) }))
    .output(
      eventIterator(
        z.discriminatedUnion('type', [
          WorkProgressSchema,
          z.object({ type: z.literal('cell'), cell: MatrixCellSchema }),
        ]),
      ),
    ),
  /** The first run is the baseline. */
  compareRuns: query.input(z.object({ runIds: z.array(runId).min(2).max(100) })).output(RunComparisonSchema),
  compareData: query.input(z.object({ a: z.string().min(1), b: z.string().min(1) })).output(ComparisonSchema),
  /** A sample of a set's vectors in the plane; with a run, its split and the cosines of its predictions. */
  map: query
    .input(z.object({ id: z.string().min(1), method: z.enum(MAP_METHODS), runId: runId.nullable().default(null) }))
    .output(eventIterator(MapEventSchema)),
  /** Loss terms of a recipe on its first batches, before it trains; `runs.preflight` knows them from then on. */
  firstBatches: query
    .meta({ files: ['recipe.initFrom'] })
    .input(z.object({ recipe: TrainableRecipeSchema }))
    .output(eventIterator(FirstBatchesEventSchema)),
  /** λ that give each term the gradient share asked for on the first batches. */
  balance: query
    .meta({ files: ['recipe.initFrom'] })
    .input(z.object({ recipe: TrainableRecipeSchema, shares: z.partialRecord(z.enum(TERMS), z.number().min(0)) }))
    .output(eventIterator(BalanceEventSchema)),
  /** Root-cause report, evaluating what has not been evaluated yet; its expectation is stored as a claim. */
  report: query
    .input(
      z.object({
        runId,
        baselineId: runId.nullable().default(null),
        format: z.enum(['md', 'html']),
        stem: z.string().max(200).default('report'),
        /** Quote the texts of the sample windows. */
        texts: z.boolean().default(false),
      }),
    )
    .output(eventIterator(ReportEventSchema)),
  modelCard: query
    .input(z.object({ runId, format: z.enum(['md', 'html']) }))
    .output(z.object({ title: z.string(), text: z.string(), document: ReportDocumentSchema })),
  /** Every claim, newest first, settled by the runs that followed it. */
  claims: query.output(z.array(StoredClaimSchema)),
};
