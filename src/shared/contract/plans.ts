/** Calls about plans: the queue with its gates, what can be done with an item, the results of sweeps. */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { PlanGateSchema, PlanItemSchema, PlanSpecSchema, RecipeChangesSchema } from '#shared/domain/plans/plans.ts';
import { SHOWN_STATUSES } from '#shared/domain/plans/plan-queue.ts';
import { PairedDifferenceSchema } from '#shared/domain/evaluation/comparison.ts';
import { recordOf } from '#shared/domain/records.ts';
import { GATE_METRICS, RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { MetricIntervalsSchema } from '#shared/domain/runs/training.ts';
import { SweepSpecSchema } from '#shared/domain/plans/sweeps.ts';
import { mutation, query } from './call.ts';

const itemId = z.int().min(1);
const planId = z.int().min(1);
const figure = z.number().nullable();

function perMetric<S extends z.ZodType>(schema: S) {
  return z.object(recordOf(GATE_METRICS, () => schema));
}

const TrySchema = z.object({
  runId: z.string(),
  runNumber: z.int(),
  status: z.string(),
  reason: z.string(),
});

/** A piece of work as it stands. */
export const QueueItemSchema = z.object({
  id: z.int(),
  planId: z.int(),
  planName: z.string(),
  key: z.string(),
  title: z.string(),
  item: PlanItemSchema,
  status: z.enum(SHOWN_STATUSES),
  /** Why it missed, failed, is blocked or waits; empty otherwise. */
  reason: z.string(),
  /** The recipe as the plan stands now; null for a report. */
  recipe: RecipeSchema.nullable(),
  runId: z.string().nullable(),
  runNumber: z.int().nullable(),
  /** Of the run's best checkpoint. */
  figures: perMetric(figure).nullable(),
  /** 95 % intervals of those figures; null: not measured. */
  intervals: MetricIntervalsSchema.nullable(),
  /** 0..1 while it runs. */
  progress: z.number().nullable(),
  reportPath: z.string().nullable(),
  /** Earlier runs of the item, oldest first. */
  tries: z.array(TrySchema),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
});
export type QueueItem = z.infer<typeof QueueItemSchema>;

const PLAN_STATUSES = ['waiting', 'running', 'paused', 'stopped', 'done'] as const;

export const PlanSchema = z.object({
  id: z.int(),
  name: z.string(),
  createdAt: z.number(),
  isPaused: z.boolean(),
  datasetName: z.string(),
  oodName: z.string().nullable(),
  /** `stopped`: a gate or a failure stands in the way of everything that is left. */
  status: z.enum(PLAN_STATUSES),
  items: z.array(QueueItemSchema),
});
export type Plan = z.infer<typeof PlanSchema>;

export const QueueSchema = z.object({
  plans: z.array(PlanSchema),
  /** Ids of all items in the order they are taken up. */
  order: z.array(z.int()),
  /** Whether this process takes items up; false beside another owner or in a command that only lists. */
  isRunning: z.boolean(),
});
export type Queue = z.infer<typeof QueueSchema>;

const SpreadSchema = z.object({ n: z.int(), mean: z.number(), std: figure });

export const SweepMemberSchema = z.object({
  /** 0 is the plain recipe. */
  member: z.int(),
  point: z.record(z.string(), z.union([z.number(), z.string()])),
  state: z.enum(['running', 'ended', 'finished', 'failed']),
  /** Epochs all its seeds have trained; 0 before that. */
  epochs: z.int(),
  figures: perMetric(SpreadSchema.nullable()),
  /** 95 % intervals of the means over articles and seeds; absent while it trains, null where not measured. */
  intervals: MetricIntervalsSchema,
  runs: z.array(
    z.object({ runId: z.string().nullable(), runNumber: z.int().nullable(), seed: z.int(), failure: z.string() }),
  ),
});
export type SweepMember = z.infer<typeof SweepMemberSchema>;

export const SweepSchema = z.object({
  itemId: z.int(),
  spec: SweepSpecSchema,
  /** Epochs at which members are held against each other. */
  rungs: z.array(z.int()),
  /** Of members beside the plain one. */
  memberCount: z.int(),
  members: z.array(SweepMemberSchema),
  /** Best by the objective among those trained longest; null before there is one. */
  winner: z.int().nullable(),
  /** Members trained as long whose objective is not distinguishable from the winner's, over articles and seeds. */
  indistinguishable: z.array(z.int()),
  /** 95 % intervals of the winner's cosines minus the plain recipe's, which are those of its gain in lift too. */
  gainIntervals: PairedDifferenceSchema,
  /** The winner's recipe, ready for a form. */
  recipe: RecipeSchema.nullable(),
  commandLine: z.string().nullable(),
});
export type Sweep = z.infer<typeof SweepSchema>;

export const plansContract = {
  queue: query.output(QueueSchema),
  /** The whole queue now and after every change. */
  watch: query.output(eventIterator(QueueSchema)),
  create: mutation
    .meta({ files: ['items.*.recipe.initFrom'] })
    .input(PlanSpecSchema)
    .output(PlanSchema),
  /** A plan, one item, or (both null) everything. A run under way is paused with it. */
  pause: mutation.input(z.object({ planId: planId.nullable(), itemId: itemId.nullable() })),
  resume: mutation.input(z.object({ planId: planId.nullable(), itemId: itemId.nullable() })),
  /** Those that wait for it go on as if it were done. A run under way is stopped. */
  skip: mutation.input(z.object({ itemId })),
  /** Once more: with changes to the recipe a new run; with other gates the same run judged again; else from its checkpoint. */
  retry: mutation
    .meta({ files: ['changes.initFrom'] })
    .input(
      z.object({ itemId, changes: RecipeChangesSchema.default({}), gates: z.array(PlanGateSchema).max(20).optional() }),
    ),
  /** Before another item of the queue; null: to its end. */
  move: mutation.input(z.object({ itemId, beforeId: itemId.nullable() })),
  /** Removes a plan; its runs stay. */
  remove: mutation.input(z.object({ planId })),
  sweep: query.input(z.object({ itemId })).output(SweepSchema),
};
