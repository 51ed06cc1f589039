/**
 * One window of a data set seen through one checkpoint: context, target, prediction, attention and the nearest targets.
 * Declarations and small helpers only; `main/evaluation/inspect.ts` measures. T context length.
 */
import { z } from 'zod';
import { TaskSchema } from '../datasets/task.ts';
import { ParitySchema } from './evaluation.ts';

const count = z.int().min(0);

/** Where a window stands; null where the file does not say its articles. */
export const WindowPlaceSchema = z
  .object({
    /** Article number as in the file. */
    article: z.number(),
    /** Its place among the windows of that article, 0-based, and how many there are. */
    index: count,
    of: count,
  })
  .nullable();
export type WindowPlace = z.infer<typeof WindowPlaceSchema>;

/** null: the set has no text of this vector. Long texts are cut and end in "…". */
const TextSchema = z.string().nullable();

export const WindowTextsSchema = z.object({ context: z.array(TextSchema), target: TextSchema });
export type WindowTexts = z.infer<typeof WindowTextsSchema>;

export const NeighbourSchema = z.object({
  /** Window whose target this is. */
  window: count,
  place: WindowPlaceSchema,
  /** Cosine of this target to the prediction, and to the window's own target. */
  cosine: z.number(),
  toTarget: z.number(),
  /** The inspected window's own target. */
  isTarget: z.boolean(),
  text: TextSchema,
});
export type Neighbour = z.infer<typeof NeighbourSchema>;

export const InspectionSchema = z.object({
  parity: ParitySchema,
  /** null: not known. */
  task: TaskSchema.nullable(),
  window: count,
  place: WindowPlaceSchema,
  /** Its place when the looked-at windows are ordered from the worst cosine (0) to the best, and how many those are. */
  rank: count,
  ranked: count,
  /** Windows of the chosen part; more than `ranked` where only a fixed draw of them is ordered. */
  windows: count,
  cosine: z.number(),
  predictionNorm: z.number(),
  targetNorm: z.number(),
  /** Cosine of the mean of the context to the target: what this window gives away for nothing. */
  contextMeanCosine: z.number(),
  /** Weight of each context position, first position first, where the model has one. */
  attention: z.array(z.number()).nullable(),
  /** Pairwise cosines [T + 2, T + 2]: the context positions, the target, the prediction. */
  cosines: z.array(z.array(z.number())),
  /** In reading order. */
  texts: WindowTextsSchema,
  /** 1: no other of the candidate targets is nearer to the prediction than the window's own. */
  targetRank: z.int().min(1),
  candidates: count,
  /** Nearest targets to the prediction, nearest first. */
  neighbours: z.array(NeighbourSchema),
});
export type Inspection = z.infer<typeof InspectionSchema>;

/** Which window: by its number, or by its place between the worst cosine (0) and the best (1). */
export const WindowPickSchema = z.discriminatedUnion('by', [
  z.object({ by: z.literal('window'), window: count }),
  z.object({ by: z.literal('rank'), share: z.number().min(0).max(1) }),
]);
export type WindowPick = z.infer<typeof WindowPickSchema>;
