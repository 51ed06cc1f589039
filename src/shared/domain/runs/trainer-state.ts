/** The state a run is resumed from, also as earlier versions stored it. */
import { z } from 'zod';
import { BestSchema } from './training.ts';

const count = z.int().min(0);
const figure = z.number().nullable();

/** Sums of one term over the rows of the epoch that defined it. */
const TermSumsSchema = z.object({ rows: count, value: z.number(), gradShare: z.number() });

const epochTotals = {
  rows: count,
  steps: count,
  total: z.number(),
  cosine: z.number(),
  gradNorm: z.number(),
  trainMs: z.number(),
  evaluationMs: z.number(),
};

/** Sums over the rows of the epoch so far; divided by `rows` they are the epoch's means. */
export const EpochSumsSchema = z.object({
  ...epochTotals,
  /** By term. A term without an entry has not been measured in this epoch. */
  terms: z.record(z.string(), TermSumsSchema),
});
export type EpochSums = z.infer<typeof EpochSumsSchema>;

const stateFields = {
  seed: z.number(),
  /** 1-based epoch in progress; epochs + 1 when the run is complete. */
  epoch: count,
  /** Rows of the epoch's shuffled order already trained on; all of them while its evaluation is outstanding. */
  position: count,
  /** Optimiser steps taken. */
  step: count,
  lr: z.number(),
  scheduler: z.object({ best: figure, badEpochs: count }),
  /** Of early stopping: best cosine, and epochs since. */
  stopping: z.object({ best: figure, badEpochs: count }).default({ best: null, badEpochs: 0 }),
  best: BestSchema.nullable(),
  /** Without pauses, over all sessions. */
  durationMs: z.number(),
  trainMs: z.number(),
  rowsTrained: count,
};

const StateV2Schema = z.object({ version: z.literal(2), ...stateFields, sums: EpochSumsSchema });
export type TrainerState = z.infer<typeof StateV2Schema>;

/** Version 1 had the sums of its six terms as arrays. */
const StateV1Schema = z.object({
  version: z.literal(1),
  ...stateFields,
  sums: z.object({
    ...epochTotals,
    termRows: z.array(count).length(6),
    values: z.array(z.number()).length(6),
    gradShares: z.array(z.number()).length(6),
  }),
});

function stateFromV1({ sums, ...state }: z.infer<typeof StateV1Schema>): TrainerState {
  const order = ['mse', 'info_nce', 'moment', 'variance', 'directional', 'anti_copy'];
  const { termRows, values, gradShares, ...totals } = sums;
  const terms = order.map((term, k) => [term, { rows: termRows[k], value: values[k], gradShare: gradShares[k] }]);
  return { ...state, version: 2, sums: { ...totals, terms: Object.fromEntries(terms) } };
}

/**
 * With parameters and optimiser moments beside it, all a run needs to continue bit for bit. JSON. Reads states of
 * version 1 too.
 */
export const TrainerStateSchema = z
  .discriminatedUnion('version', [StateV2Schema, StateV1Schema])
  .transform((state): TrainerState => (state.version === 1 ? stateFromV1(state) : state));
