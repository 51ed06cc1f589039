/**
 * A claim: what a report expects of the next run, stored before that run exists and marked met or missed afterwards
 * with both figures. Pure; the store keeps claims, `compare-runs.ts` supplies the basis.
 */
import { z } from 'zod';
import { figure, signed } from '../figures.ts';

export const CLAIM_METRICS = ['valCosine', 'oodCosine', 'valLift', 'oodLift'] as const;
export type ClaimMetric = (typeof CLAIM_METRICS)[number];

export const CLAIM_METRIC_LABELS: Readonly<Record<ClaimMetric, string>> = {
  valCosine: 'validation cosine',
  oodCosine: 'OOD cosine',
  valLift: 'validation lift over the mean of the context',
  oodLift: 'OOD lift over the mean of the context',
};

export const ClaimSchema = z
  .object({
    metric: z.enum(CLAIM_METRICS),
    /** The range the figure is expected in; above it also counts as met. */
    low: z.number(),
    high: z.number(),
    /** Why this range, with the figures it rests on. */
    basis: z.string().min(1),
  })
  .refine((claim) => claim.low <= claim.high, { error: 'The lower end of a claim lies above its upper end.' });
export type Claim = z.infer<typeof ClaimSchema>;

export const ClaimOutcomeSchema = z.object({
  claim: ClaimSchema,
  outcome: z.enum(['open', 'met', 'missed']),
  /** What the retrain reached; null while it is open or the figure was not measured. */
  measured: z.number().nullable(),
  /** Run that settled it. */
  runId: z.string().nullable(),
  message: z.string(),
});
export type ClaimOutcome = z.infer<typeof ClaimOutcomeSchema>;

/** The figures a finished run can settle claims with. */
export type ClaimFigures = Readonly<Record<ClaimMetric, number | null>>;

export function openClaim(claim: Claim): ClaimOutcome {
  const message = `Expected: ${CLAIM_METRIC_LABELS[claim.metric]} ${range(claim)}. Basis: ${claim.basis}`;
  return { claim, outcome: 'open', measured: null, runId: null, message };
}

/** Marks a claim met or missed by a retrain; it stays open where the retrain did not measure the figure. */
export function settleClaim(claim: Claim, figures: ClaimFigures, runId: string): ClaimOutcome {
  const measured = figures[claim.metric];
  if (measured === null || !Number.isFinite(measured)) return openClaim(claim);
  const met = measured >= claim.low;
  const show = claim.metric.endsWith('Lift') ? signed : figure;
  const place = !met ? `${figure(claim.low - measured)} below it` : measured > claim.high ? 'above it' : 'within it';
  const message = `${met ? 'Met' : 'Missed'}: expected ${CLAIM_METRIC_LABELS[claim.metric]} ${range(claim)}, measured ${show(measured)} (${place}).`;
  return { claim, outcome: met ? 'met' : 'missed', measured, runId, message };
}

function range(claim: Claim): string {
  const show = claim.metric.endsWith('Lift') ? signed : figure;
  return `${show(claim.low)} to ${show(claim.high)}`;
}
