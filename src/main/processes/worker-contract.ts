/** Calls main makes of its data worker: CPU-heavy work on data sets. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { EngineStatusSchema, StoredCheckSchema } from '#shared/contract/app.ts';
import {
  ArticlePreviewSchema,
  ArticlesSchema,
  ArticleSidesSchema,
  SplitProofSchema,
  TextHitSchema,
} from '#shared/contract/datasets.ts';
import { PlaceSchema } from '#shared/contract/places.ts';
import {
  BalanceEventSchema,
  EvaluationEventSchema,
  FirstBatchesEventSchema,
  MapEventSchema,
} from '#shared/contract/evaluation.ts';
import { CONTRACT_ERRORS } from '#shared/contract/errors.ts';
import { RunCheckpointsSchema } from '#shared/contract/trainer.ts';
import { FileDescriptionSchema, MappingSchema } from '#shared/domain/datasets/mapping.ts';
import { ComparisonSchema, PassportSchema } from '#shared/domain/datasets/passport.ts';
import { CosineSumsSchema } from '#shared/domain/evaluation/interval.ts';
import { SplitSchema } from '#shared/domain/recipe/recipe.ts';
import { BaselinesSchema } from '#shared/domain/runs/training.ts';
import { InspectionSchema, WindowPickSchema, WindowTextsSchema } from '#shared/domain/evaluation/inspection.ts';
import { EvaluateJobSchema, FirstBatchesJobSchema, MapJobSchema } from './jobs/evaluation.ts';
import { PredictionResultSchema } from '#shared/contract/inference.ts';
import { PredictJobSchema } from './jobs/prediction.ts';
import { ExportDataJobSchema } from './jobs/export-data.ts';
import { ExportPredictionsJobSchema } from './jobs/export-predictions.ts';
import { ExportModelJobSchema } from './jobs/export-model.ts';
import { TorchProjectJobSchema } from './jobs/torch-project.ts';
import { ImportRunJobSchema, ImportedRunSchema } from './jobs/import-weights.ts';

const call = oc.errors(CONTRACT_ERRORS);

export const WorkerImportEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    phase: z.string(),
    fraction: z.number().nullable(),
    etaMs: z.number().nullable(),
  }),
  z.object({ type: z.literal('done'), passport: PassportSchema, storedBytes: z.number() }),
]);
export type WorkerImportEvent = z.infer<typeof WorkerImportEventSchema>;

const WorkerExportEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), phase: z.string(), fraction: z.number().nullable() }),
  z.object({ type: z.literal('done'), rows: z.int(), bytes: z.number() }),
]);
export type WorkerExportEvent = z.infer<typeof WorkerExportEventSchema>;

export const workerContract = {
  /** Answers at once, unless a synchronous call keeps the thread. */
  alive: call.output(z.void()),
  importFile: call
    .input(
      z.object({
        path: z.string(),
        folder: z.string(),
        dtype: z.enum(['float32', 'float16']).nullable(),
        crossArticles: z.boolean(),
        contextLength: z.int().nullable(),
        history: z.int().nullable(),
        stride: z.int(),
        normalise: z.boolean(),
        mapping: MappingSchema,
        texts: z.boolean(),
        textColumn: z.string().nullable(),
      }),
    )
    .output(eventIterator(WorkerImportEventSchema)),
  exportDataset: call.input(ExportDataJobSchema).output(eventIterator(WorkerExportEventSchema)),
  describe: call.input(z.object({ path: z.string() })).output(FileDescriptionSchema),
  proveSplit: call
    .input(z.object({ folder: z.string(), oodFolder: z.string().nullable(), split: SplitSchema, seed: z.int().min(0) }))
    .output(SplitProofSchema),
  /** Fits the baselines on the split's training windows and measures them on validation and OOD. */
  measureBaselines: call
    .input(
      z.object({
        folder: z.string(),
        oodFolder: z.string().nullable(),
        split: SplitSchema,
        seed: z.int().min(0),
        resourcesDir: z.string(),
      }),
    )
    .output(z.object({ baselines: BaselinesSchema, sums: CosineSumsSchema.nullable() })),
  previewArticles: call.input(z.object({ folder: z.string() })).output(ArticlePreviewSchema.nullable()),
  articles: call.input(z.object({ folder: z.string() })).output(ArticlesSchema),
  articleSides: call
    .input(z.object({ folder: z.string(), split: SplitSchema, seed: z.int().min(0) }))
    .output(ArticleSidesSchema),
  texts: call.input(z.object({ folder: z.string(), first: z.int(), count: z.int() })).output(z.array(PlaceSchema)),
  windowTexts: call
    .input(z.object({ folder: z.string(), windows: z.array(z.int()) }))
    .output(z.array(WindowTextsSchema)),
  /** Builds the index first where there is none. */
  searchTexts: call
    .input(z.object({ folder: z.string(), words: z.string(), limit: z.int() }))
    .output(z.array(TextHitSchema)),
  /** Reads every stored file against the checksums of the import. */
  checkStored: call.input(z.object({ folder: z.string() })).output(StoredCheckSchema),
  /** Reads every checkpoint of a run. */
  checkCheckpoints: call.input(RunCheckpointsSchema.extend({ folder: z.string() })).output(StoredCheckSchema),
  compareData: call.input(z.object({ a: z.string(), b: z.string() })).output(ComparisonSchema),
  /** Evaluates models in this thread, which has no other call meanwhile. */
  evaluate: call.input(EvaluateJobSchema).output(eventIterator(EvaluationEventSchema)),
  /** One window; the checkpoint stays open for further windows until another job starts. */
  inspect: call.input(z.object({ job: EvaluateJobSchema, pick: WindowPickSchema })).output(InspectionSchema),
  map: call.input(MapJobSchema).output(eventIterator(MapEventSchema)),
  firstBatches: call.input(FirstBatchesJobSchema).output(eventIterator(FirstBatchesEventSchema)),
  balance: call.input(FirstBatchesJobSchema).output(eventIterator(BalanceEventSchema)),
  importRun: call.input(ImportRunJobSchema).output(ImportedRunSchema),
  exportPredictions: call.input(ExportPredictionsJobSchema).output(eventIterator(WorkerExportEventSchema)),
  predict: call.input(PredictJobSchema).output(PredictionResultSchema),
  /** Loads every engine to see whether it can be loaded. */
  engines: call.input(z.object({ resourcesDir: z.string() })).output(z.array(EngineStatusSchema)),
  exportModel: call.input(ExportModelJobSchema).output(z.void()),
  exportTorchProject: call.input(TorchProjectJobSchema).output(z.void()),
};
