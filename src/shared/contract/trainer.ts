/**
 * Calls main makes of a trainer process. One process trains one run: `start` is called once and its iterator ends with
 * `finished` (or the process dies). Main says what it has stored before a checkpoint is written, so that a checkpoint
 * never knows a step the history does not.
 */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { CosineSumsSchema } from '#shared/domain/evaluation/interval.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import {
  BaselinesSchema,
  EpochRecordSchema,
  FinishedSchema,
  StartedSchema,
  StageSchema,
  StatusChangeSchema,
  StepBlockSchema,
  StoredCheckpointSchema,
} from '#shared/domain/runs/training.ts';
import { TilingSchema } from '#shared/domain/runs/adapter.ts';
import { SplitProofSchema } from './datasets.ts';
import { CONTRACT_ERRORS } from './errors.ts';
import { GateResultSchema, LogLineSchema, RunEngineSchema } from './runs.ts';

const call = oc.errors(CONTRACT_ERRORS);

/** What the history knows of a run's checkpoints: none is used that does not agree with it. */
export const RunCheckpointsSchema = z.object({
  runId: z.string().min(1),
  /** SHA-256 of the weights file, by folder; a checkpoint written just before a crash may be missing. */
  weightHashes: z.record(z.string(), z.string()),
});
export type RunCheckpoints = z.infer<typeof RunCheckpointsSchema>;

/** A weights file to start from; `run` where it belongs to a checkpoint of the history. */
export const InitFileSchema = z.object({ path: z.string().min(1), run: RunCheckpointsSchema.nullable() });
export type InitFile = z.infer<typeof InitFileSchema>;

/** A finished run whose model is a part of a Gram mixture. */
const PartRunSchema = z.object({
  recipe: RecipeSchema,
  /** Folder of its best checkpoint. */
  folder: z.string().min(1),
  run: RunCheckpointsSchema,
});

export const TrainerJobSchema = z.object({
  ...RunCheckpointsSchema.shape,
  recipe: RecipeSchema,
  /** Folders of the imported data sets. */
  datasetFolder: z.string().min(1),
  oodFolder: z.string().min(1).nullable(),
  /** Folder its checkpoints go to. */
  runFolder: z.string().min(1),
  resourcesDir: z.string().min(1),
  /** Program file of the data worker, which measures the baselines beside the training. */
  dataWorker: z.string().min(1),
  /** File whose weights a new run starts from; null: as the recipe's `start` says. */
  initFile: InitFileSchema.nullable().default(null),
  /** In the order of the recipe's `parts`. */
  parts: z.array(PartRunSchema).default([]),
  /** Go on from the newest usable checkpoint in `runFolder`; false: from the beginning. */
  resume: z.boolean(),
  /** Engine of the run's earlier life: `auto` takes it again, since only the same engine goes on bit for bit. */
  earlierEngine: z.enum(['simd', 'tensorflow', 'webgpu', 'wasm', 'cpu']).nullable(),
  /** Tiles of matrix products on GPUs, by adapter: the run's own, else those of other runs. */
  tilings: z.record(z.string(), TilingSchema).default({}),
  /** Measured in the earlier life, or by run `baselinesOf`. */
  earlierBaselines: BaselinesSchema.nullable(),
  /** Cosines of those baselines over the articles; null: a run of an earlier version. */
  earlierSums: CosineSumsSchema.nullable(),
  /** Number of another run on the same data, split and seed, which measured them; null: they are this run's own. */
  baselinesOf: z.int().nullable().default(null),
  /** Milliseconds between `last` checkpoints inside an epoch. */
  checkpointEveryMs: z.number().min(0),
  /** Also keep the checkpoint of every k-th epoch; 0: none. */
  keepEveryEpochs: z.int().min(0),
  /** End, resumable, after this epoch; null: train to the recipe's last. */
  stopAfterEpoch: z.int().min(1).nullable(),
  /** Threads to begin with, where the recipe names none. */
  threads: z.int().min(1),
});
export type TrainerJob = z.infer<typeof TrainerJobSchema>;

/** Training steps to time on random vectors; `auto` is timed as `simd`. */
export const MeasureSchema = z.object({
  recipe: RecipeSchema,
  /** Chunks of a context and width of a vector. */
  T: z.int().min(1),
  D: z.int().min(1),
  threads: z.int().min(1),
  seconds: z.number().min(0),
  resourcesDir: z.string().min(1),
});
export type Measure = z.infer<typeof MeasureSchema>;

/** What was found out before the first step. */
const PreparedSchema = z.object({
  type: z.literal('prepared'),
  engine: RunEngineSchema,
  splitProof: SplitProofSchema,
});

/** Comes while the first epoch trains, at the latest before it is evaluated. */
const BaselinesMeasuredSchema = z.object({
  type: z.literal('baselines'),
  baselines: BaselinesSchema,
  sums: CosineSumsSchema.nullable(),
});

/** The model's cosines over the articles at a new best epoch; its record follows. */
const BestCosinesSchema = z.object({ type: z.literal('best cosines'), sums: CosineSumsSchema });

const CheckpointWrittenSchema = StoredCheckpointSchema.extend({ type: z.literal('checkpoint') });

/** Everything up to here should be stored now; the trainer waits for `stored` with this number. */
const StoreRequestSchema = z.object({ type: z.literal('store'), ticket: z.int() });

/** The trainer pauses of its own accord (a gate, a full disk); `status: paused` follows. */
const PausingSchema = z.object({ type: z.literal('pausing'), reason: z.string(), isDiskFull: z.boolean() });

export const TrainerEventSchema = z.discriminatedUnion('type', [
  PreparedSchema,
  BaselinesMeasuredSchema,
  BestCosinesSchema,
  StartedSchema,
  StepBlockSchema,
  EpochRecordSchema,
  StatusChangeSchema,
  StageSchema,
  GateResultSchema,
  CheckpointWrittenSchema,
  StoreRequestSchema,
  PausingSchema,
  z.object({ type: z.literal('log'), line: LogLineSchema }),
  FinishedSchema,
]);
export type TrainerEvent = z.infer<typeof TrainerEventSchema>;

export const trainerContract = {
  start: call.input(TrainerJobSchema).output(eventIterator(TrainerEventSchema)),
  /** Answered between two steps; a trainer that never does is stuck. */
  alive: call,
  /** For a trainer that gets no run. */
  measure: call.input(MeasureSchema).output(z.object({ rowsPerSecond: z.number() })),
  /** From the next step on; the engines without threads of their own ignore it. */
  setThreads: call.input(z.object({ threads: z.int().min(1) })),
  stored: call.input(z.object({ ticket: z.int() })),
  pause: call,
  resume: call,
  stop: call.input(z.object({ at: z.enum(['now', 'epoch-end']), reason: z.string() })),
};
