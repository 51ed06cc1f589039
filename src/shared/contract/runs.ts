/** Calls about runs: start, steer, watch, history, series, export. */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { NameSchema } from '#shared/domain/names.ts';
import { MODEL_TYPES } from '#shared/domain/models/models.ts';
import { GivenRecipeSchema } from '#shared/domain/recipe/field-names.ts';
import { ENGINE_CHOICES, GateSchema, RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { AdapterSchema, TilingSchema } from '#shared/domain/runs/adapter.ts';
import { ClusterAddressSchema, ClusterCheckSchema, ClusterSchema } from '#shared/domain/runs/clusters.ts';
import { EXPORT_FORMATS, MAX_TAG_LENGTH, MAX_TAGS, RUN_STATUSES } from '#shared/domain/runs/run-kinds.ts';
import {
  BaselinesSchema,
  BestSchema,
  EpochRecordSchema,
  StageSchema,
  STEP_COLUMNS,
  StepBlockSchema,
} from '#shared/domain/runs/training.ts';
import { TaskSchema } from '#shared/domain/datasets/task.ts';
import { SplitProofSchema } from './datasets.ts';
import { FilePathSchema, mutation, query } from './call.ts';
import { FirstBatchesSchema } from './evaluation.ts';

export type { ExportFormat, RunStatus } from '#shared/domain/runs/run-kinds.ts';

const byId = z.object({ runId: z.string().min(1) });
const TagsSchema = z.array(z.string().max(MAX_TAG_LENGTH)).max(MAX_TAGS);

/** How runs shared the machine: `Sharing` of the domain. */
const SharingSchema = z.object({
  most: z.int(),
  measured: z.array(z.object({ runs: z.int(), threads: z.int(), rowsPerSecond: z.number() })),
});

export const RunEngineSchema = z.object({
  name: z.string(),
  version: z.string(),
  threads: z.int(),
  variant: z.string(),
  vectorBits: z.int().optional(),
  adapter: AdapterSchema.optional(),
  tiling: TilingSchema.optional(),
  deterministic: z.boolean(),
  /** Only of a run that may have had others beside it. */
  sharing: SharingSchema.optional(),
});

/** Where an imported run comes from; its epochs are what the file says, not what was measured here. */
export const ImportedSchema = z.object({
  file: z.string(),
  /** The last three are histories without weights. */
  format: z.enum(['pt', 'safetensors', 'npz', 'json', 'tensorboard', 'wandb']),
  sha256: z.string(),
  at: z.number(),
  /** Figures the file states of its weights; null: it says nothing. */
  stated: z.object({ epoch: z.int().nullable(), valCosine: z.number().nullable() }),
  /** The golden pair made at import, and how well another engine reproduced it from the stored file; null: no weights. */
  golden: z.object({ madeOn: z.string(), reproducedOn: z.string(), maxRelative: z.number() }).nullable(),
  /** Measured here on the validation windows of its data set, and on its OOD set; null: no data was named. */
  measured: z.object({ valCosine: z.number(), rows: z.int(), oodCosine: z.number().nullable().optional() }).nullable(),
});
export type Imported = z.infer<typeof ImportedSchema>;

export const RunSummarySchema = z.object({
  id: z.string(),
  /** Counts up from 1; what a person calls the run ("#12"). */
  number: z.int(),
  name: z.string(),
  status: z.enum(RUN_STATUSES),
  /** Why it stopped, failed or was interrupted; empty otherwise. */
  reason: z.string(),
  /** Only of a run that is paused because its disk is full. */
  waitsForSpace: z.literal(true).optional(),
  /** Only while the fit of a Gram mixture trains. */
  stage: StageSchema.omit({ type: true }).optional(),
  createdAt: z.number(),
  endedAt: z.number().nullable(),
  recipe: RecipeSchema,
  datasetName: z.string(),
  oodName: z.string().nullable(),
  /** What it predicts from; figures of different tasks are not compared. null: its data set is not known. */
  task: TaskSchema.nullable(),
  engine: RunEngineSchema.nullable(),
  parameters: z.int().nullable(),
  trainRows: z.int().nullable(),
  valRows: z.int().nullable(),
  oodRows: z.int().nullable(),
  splitProof: SplitProofSchema.nullable(),
  /** Progress: epoch in work (1-based), steps taken and planned, time left. */
  epoch: z.int(),
  step: z.int(),
  totalSteps: z.int().nullable(),
  etaMs: z.number().nullable(),
  /** Measured here: what the file of an imported run states is in `imported`. */
  best: BestSchema.nullable(),
  baselines: BaselinesSchema,
  /** Best validation (OOD) cosine minus the mean-of-context baseline on the same rows; null when not measured. */
  valLift: z.number().nullable(),
  oodLift: z.number().nullable(),
  /** The same over the best baseline. 95 % intervals of cosines and lifts are in `best`. */
  valBestLift: z.number().nullable(),
  oodBestLift: z.number().nullable(),
  rowsPerSecond: z.number().nullable(),
  durationMs: z.number(),
  /** Epochs that have ended; of an imported run those its file tells of. */
  epochsDone: z.int(),
  /** Validation cosine of each of them, of many every n-th and the last; of an imported run as its file states it. */
  sparkline: z.array(z.number().nullable()),
  tags: z.array(z.string()),
  notes: z.string(),
  /** Address of the cluster it trains on; absent: it trains here. */
  on: z.string().optional(),
  /** Only of a run that was imported. */
  imported: ImportedSchema.optional(),
  /** Bytes of its files; what deleting it frees. */
  storedBytes: z.number(),
});
export type RunSummary = z.infer<typeof RunSummarySchema>;

export const LogLineSchema = z.object({
  at: z.number(),
  level: z.enum(['info', 'warning', 'error']),
  message: z.string(),
});
export type LogLine = z.infer<typeof LogLineSchema>;

export const GateResultSchema = z.object({
  type: z.literal('gate'),
  gate: GateSchema,
  epoch: z.int(),
  /** null: not measured. */
  value: z.number().nullable(),
  passed: z.boolean(),
  /** The gate did not judge: the baselines fail on its set too. */
  broken: z.boolean(),
  /** One sentence for the history and the notification. */
  message: z.string(),
});
export type GateResult = z.infer<typeof GateResultSchema>;

/** What a watcher of one run gets, in order; the first message is always `run`. */
export const RunEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run'), run: RunSummarySchema }),
  StepBlockSchema,
  EpochRecordSchema,
  GateResultSchema,
  z.object({ type: z.literal('log'), line: LogLineSchema }),
]);
export type RunEvent = z.infer<typeof RunEventSchema>;

/** A change in the list of runs, or a gate that one of them has just missed. */
export const RunChangeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('changed'), run: RunSummarySchema }),
  z.object({ type: z.literal('gate'), run: RunSummarySchema, result: GateResultSchema }),
  z.object({ type: z.literal('deleted'), runId: z.string() }),
]);
export type RunChange = z.infer<typeof RunChangeSchema>;

export const RunDetailSchema = z.object({
  run: RunSummarySchema,
  epochs: z.array(EpochRecordSchema),
  /** File of an imported run, whose epochs are as it states them; null: they were measured here. */
  epochsStatedBy: z.string().nullable(),
  gates: z.array(GateResultSchema),
  log: z.array(LogLineSchema),
  /** The command line that gives the same run. */
  commandLine: z.string(),
});
export type RunDetail = z.infer<typeof RunDetailSchema>;

const SeriesRequestSchema = byId.extend({
  columns: z.array(z.enum(STEP_COLUMNS)).min(1),
  /** First and last step wanted, inclusive; null: from the start, to the end. */
  fromStep: z.int().min(0).nullable().default(null),
  toStep: z.int().min(0).nullable().default(null),
  /** At most about this many points a series; a pixel column needs no more than one bucket. */
  maxPoints: z.int().min(2).max(20_000).default(2000),
});
export const SeriesSchema = z.object({
  /** Steps merged into one point; 1: raw values. */
  stepsPerPoint: z.int(),
  /** First step of each point. */
  step: z.instanceof(Float64Array),
  /** Smallest and largest value in each point, by column; NaN where nothing was measured. Empty for raw values. */
  min: z.record(z.string(), z.instanceof(Float32Array)),
  max: z.record(z.string(), z.instanceof(Float32Array)),
  /** Mean value of each point, by column. */
  mean: z.record(z.string(), z.instanceof(Float32Array)),
});
export type Series = z.infer<typeof SeriesSchema>;

export const LintSchema = z.object({
  severity: z.enum(['info', 'warning', 'error']),
  /** Field of the recipe it is about, or null. */
  path: z.string().nullable(),
  message: z.string(),
  reason: z.string(),
});
export type Lint = z.infer<typeof LintSchema>;

/** What a run takes of the memory of a GPU. */
export const DeviceDemandSchema = z.object({
  adapter: AdapterSchema,
  /** Weights, moments, activations and everything else of the model and its batch. */
  modelBytes: z.number(),
  /** Vectors and windows of the training set. */
  dataBytes: z.number(),
  /** Whether the data are kept on the GPU; else each batch is uploaded. null: known only once the GPU is asked. */
  keepsData: z.boolean().nullable(),
  /** Why the model cannot be trained there; empty: it can. */
  refusal: z.string(),
});
export type DeviceDemand = z.infer<typeof DeviceDemandSchema>;

export const PreflightSchema = z.object({
  trainRows: z.int(),
  valRows: z.int(),
  oodRows: z.int().nullable(),
  stepsPerEpoch: z.int(),
  parameters: z.int(),
  /** From the speed of earlier runs like it; null when nothing was measured yet. */
  expectedMs: z.object({ low: z.number(), high: z.number() }).nullable(),
  /** Why that range: which runs it was measured on, or why there is none. */
  expectedFrom: z.string(),
  memoryBytes: z.number(),
  /** Only where the run trains on a GPU, or `auto` may take one that is known. */
  device: DeviceDemandSchema.nullable(),
  splitProof: SplitProofSchema,
  lint: z.array(LintSchema),
  commandLine: z.string(),
  /** InfoNCE of a model that knows nothing, 2·ln B. */
  infoNceChance: z.number(),
  /** The loss terms as `evaluation.firstBatches` or `evaluation.balance` measured them; null: not measured yet. */
  firstBatches: FirstBatchesSchema.nullable(),
});
export type Preflight = z.infer<typeof PreflightSchema>;

export const runsContract = {
  list: query.output(z.array(RunSummarySchema)),
  get: query.input(byId).output(RunDetailSchema),
  changes: query.output(eventIterator(RunChangeSchema)),
  watch: query.input(byId).output(eventIterator(RunEventSchema)),
  series: query.input(SeriesRequestSchema).output(SeriesSchema),
  /** What is known before training: rows, time, memory, leak proof, lint, command line. */
  preflight: query
    .meta({ files: ['recipe.initFrom'] })
    .input(z.object({ recipe: GivenRecipeSchema }))
    .output(PreflightSchema),
  start: mutation
    .meta({ files: ['recipe.initFrom'] })
    .input(
      z.object({
        recipe: GivenRecipeSchema,
        name: NameSchema.optional(),
        tags: TagsSchema.default([]),
        /** Address of a cluster that Settings keep; null: it trains here. */
        on: ClusterAddressSchema.nullable().default(null),
      }),
    )
    .output(z.object({ runId: z.string() })),
  /** Whether a cluster can train: runs a small job there. What is wrong comes as the error. */
  checkCluster: query
    .meta({ files: ['cluster.folder'] })
    .input(z.object({ cluster: ClusterSchema }))
    .output(ClusterCheckSchema),
  pause: mutation.input(byId).output(RunSummarySchema),
  /**
   * Goes on: a paused run in its live trainer, an interrupted one from its checkpoint. `engine`: instead of the recipe's, until
   * the run ends or is interrupted again; from another engine on it does not go on bit for bit.
   */
  resume: mutation.input(byId.extend({ engine: z.enum(ENGINE_CHOICES).optional() })).output(RunSummarySchema),
  stop: mutation.input(byId.extend({ at: z.enum(['now', 'epoch-end']).default('now') })).output(RunSummarySchema),
  annotate: mutation
    .input(
      byId.extend({
        name: NameSchema.optional(),
        notes: z.string().max(20_000).optional(),
        tags: TagsSchema.optional(),
      }),
    )
    .output(RunSummarySchema),
  /**
   * Takes a run of another program into the history: a checkpoint, once it has reproduced a golden pair, or a history without
   * weights (training_history.json, TensorBoard event files, an offline run of W&B; a file or a folder).
   */
  importRun: mutation
    .meta({ files: ['path'] })
    .input(
      z.object({
        path: FilePathSchema,
        name: NameSchema.optional(),
        tags: TagsSchema.default([]),
        modelType: z.enum(MODEL_TYPES).nullable().default(null),
        /** Data set to measure it on. */
        dataset: z.string().nullable().default(null),
        ood: z.string().nullable().default(null),
        /** What shapes cannot say; null: from the file, else the usual. */
        contextLength: z.int().min(1).max(65_536).nullable().default(null),
        heads: z.int().min(1).max(65_536).nullable().default(null),
      }),
    )
    .output(z.object({ runId: z.string(), notes: z.array(z.string()) })),
  delete: mutation.input(byId).output(z.object({ freedBytes: z.number() })),
  /** An export: `csv`, `command` and `recipe` come as text, the others are written to the storage folder's `exports/` (`tfjs` is a folder there). */
  export: query
    .input(byId.extend({ format: z.enum(EXPORT_FORMATS) }))
    .output(z.object({ path: z.string().nullable(), text: z.string().nullable(), fileName: z.string() })),
  /** Reads a recipe file (`export` gives one) and finds its data here; where that is not, the data of `base` stays. */
  readRecipeFile: query
    .meta({ files: ['path'] })
    .input(z.object({ path: FilePathSchema, base: RecipeSchema }))
    .output(z.object({ recipe: RecipeSchema, fileName: z.string(), notes: z.array(z.string()) })),
  /** Reads a pasted command line into a recipe, starting from `base`. */
  parseCommandLine: query
    .input(z.object({ text: z.string().max(100_000), base: RecipeSchema }))
    .output(z.object({ recipe: RecipeSchema, unknownFlags: z.array(z.string()), notes: z.array(z.string()) })),
};
