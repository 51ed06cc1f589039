/** Calls about single predictions: what a run's model says to contexts of a data set or a file. */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { TaskSchema } from '#shared/domain/datasets/task.ts';
import { WindowPlaceSchema } from '#shared/domain/evaluation/inspection.ts';
import { PART_KINDS } from '#shared/domain/models/gram.ts';
import { MODEL_TYPES } from '#shared/domain/models/models.ts';
import { FilePathSchema, query } from './call.ts';
import { PlaceSchema } from './places.ts';

const figure = z.number().nullable();

export const MOST_ROWS = 1024;
export const MOST_NEIGHBOURS = 100;

export const ContextSourceSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('dataset'),
    datasetId: z.string().min(1),
    windows: z.array(z.int().min(0)).min(1).max(MOST_ROWS),
  }),
  /** One window of an article: the article as the file numbers it, and the window's 0-based place in it. */
  z.object({
    kind: z.literal('article'),
    datasetId: z.string().min(1),
    article: z.number(),
    index: z.int().min(0),
  }),
  /**
   * A .npy, .npz or .safetensors file with contexts [rows, T, D] or one [T, D]; null: all rows. Targets that stand beside
   * them are known.
   */
  z.object({
    kind: z.literal('file'),
    path: FilePathSchema,
    rows: z.array(z.int().min(0)).min(1).max(MOST_ROWS).nullable(),
  }),
]);
export type ContextSource = z.infer<typeof ContextSourceSchema>;

export const NeighbourSchema = PlaceSchema.extend({
  cosine: z.number(),
  /** It is a vector of the context itself, or the window's target. */
  role: z.enum(['context', 'target']).nullable(),
});
export type Neighbour = z.infer<typeof NeighbourSchema>;

export const PredictedRowSchema = z.object({
  /** Window of the data set, or row of the file. */
  row: z.int(),
  /** Of the prediction before normalisation. */
  norm: z.number(),
  /** Where the window stands; null: the context is of a file, or the set does not say its articles. */
  place: WindowPlaceSchema,
  /** Of the prediction to the window's target; null: the file has none. */
  targetCosine: figure,
  /** Of what needs no model to the same target. */
  baselines: z.object({ contextMean: figure, lastVector: figure }),
  /** Of the prediction to each context position. */
  contextCosines: z.array(z.number()),
  /** Weight of each context position; null: this kind of model has none, or its engine does not tell. */
  attention: z.array(z.number()).nullable(),
  /** Of a Gram mixture: each part with its coefficient and its share of the prediction; the shares sum to 1. */
  parts: z
    .array(z.object({ kind: z.enum(PART_KINDS), name: z.string(), coefficient: z.number(), share: z.number() }))
    .nullable(),
  /** null: the context is of a file. */
  context: z.array(PlaceSchema).nullable(),
  target: PlaceSchema.nullable(),
  /** Nearest first; empty when no set was named to look in. */
  neighbours: z.array(NeighbourSchema),
});
export type PredictedRow = z.infer<typeof PredictedRowSchema>;

export const PredictionResultSchema = z.object({
  runId: z.string(),
  modelType: z.enum(MODEL_TYPES),
  T: z.int(),
  D: z.int(),
  /** What the run was trained on; null: not known. */
  task: TaskSchema.nullable(),
  engine: z.string(),
  /** How well the checkpoint reproduced its golden output before anything was predicted. */
  parity: z.object({ goldenMaxAbs: figure, goldenMaxRelative: figure }),
  neighboursIn: z.string().nullable(),
  /** [rows, D], before and after normalisation. */
  raw: z.instanceof(Float32Array),
  pred: z.instanceof(Float32Array),
  rows: z.array(PredictedRowSchema),
});
export type PredictionResult = z.infer<typeof PredictionResultSchema>;

export const PredictionExportEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), phase: z.string(), fraction: z.number().nullable() }),
  z.object({ type: z.literal('done'), path: z.string(), fileName: z.string(), rows: z.int(), bytes: z.number() }),
]);
export type PredictionExportEvent = z.infer<typeof PredictionExportEventSchema>;

export const inferenceContract = {
  /** Writes the predictions for every window of a set to a Parquet file in `exports/`; aborting the iterator cancels. */
  export: query
    .input(z.object({ runId: z.string().min(1), datasetId: z.string().min(1), texts: z.boolean().default(false) }))
    .output(eventIterator(PredictionExportEventSchema)),
  predict: query
    .meta({ files: ['source.path'] })
    .input(
      z.object({
        runId: z.string().min(1),
        source: ContextSourceSchema,
        /** Set whose vectors are the neighbours; null: the source's own set, for a file none. */
        neighboursIn: z.string().min(1).nullable().default(null),
        neighbours: z.int().min(0).max(MOST_NEIGHBOURS).default(10),
      }),
    )
    .output(PredictionResultSchema),
};
