/** Text of a run's states, gates and figures, for all parts of its page. */
import type { RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { GATE_METRICS, type Gate, type GateMetric } from '#shared/domain/recipe/recipe.ts';
import { isFitted } from '../stores/model-fields.ts';
import { formatCosine, formatCount, formatDelta, formatDuration, plural } from '../ui/text/format.ts';
import { fitProgress } from './fit-words.ts';

const METRIC_WORDS: Readonly<Record<GateMetric, string>> = {
  valCosine: 'validation',
  oodCosine: 'OOD',
  valLift: 'validation lift',
  oodLift: 'OOD lift',
  valBestLift: 'validation lift over best',
  oodBestLift: 'OOD lift over best',
};

/** As headings and in choices. */
export const METRIC_LABELS: Readonly<Record<GateMetric, string>> = {
  valCosine: 'Validation cosine',
  oodCosine: 'OOD cosine',
  valLift: 'Validation lift',
  oodLift: 'OOD lift',
  valBestLift: 'Validation lift over best baseline',
  oodBestLift: 'OOD lift over best baseline',
};

/** What a gate can read: a metric, or the lower end of its interval. */
export type GateReads = Pick<Gate, 'metric' | 'bound'>;

/** "OOD lift, lower end" */
export function readsLabel({ metric, bound }: GateReads): string {
  return bound === 'low' ? `${METRIC_LABELS[metric]}, lower end` : METRIC_LABELS[metric];
}

export const GATE_READS: readonly { key: string; reads: GateReads; label: string }[] = GATE_METRICS.flatMap(
  (metric) => [
    { key: metric, reads: { metric }, label: METRIC_LABELS[metric] },
    { key: `${metric}.low`, reads: { metric, bound: 'low' }, label: `${METRIC_LABELS[metric]}, lower end` },
  ],
);

/** Key in `GATE_READS`. */
export function readsKey({ metric, bound }: GateReads): string {
  return bound === undefined ? metric : `${metric}.${bound}`;
}

/** A gate that reads something else. */
export function withReads<G extends GateReads>({ bound: _before, ...gate }: G, key: string): G {
  return { ...gate, ...GATE_READS.find((one) => one.key === key)?.reads } as G;
}

export function gateEpoch(gate: Gate): string {
  return gate.epoch === 'end' ? 'End' : `Epoch ${gate.epoch}`;
}

/** "validation ≥ 0.48" */
export function gateCondition(gate: Gate): string {
  const end = gate.bound === 'low' ? 'lower end of ' : '';
  return `${end}${METRIC_WORDS[gate.metric]} ≥ ${gateThreshold(gate.metric, gate.threshold)}`;
}

/** "0.48", "+0.01", "0": as it was entered, lifts with their sign. */
export function gateThreshold(metric: GateMetric, threshold: number): string {
  const sign = metric.endsWith('Lift') && threshold > 0 ? '+' : '';
  return `${sign}${String(threshold).replace('-', '\u2212')}`;
}

/** A gate's value; lifts with their sign. */
export function gateReading(metric: GateMetric, value: number | null | undefined): string {
  return metric.endsWith('Lift') ? formatDelta(value) : formatCosine(value);
}

export function gateLabel(gate: Gate): string {
  return `${gateEpoch(gate)}: ${gateCondition(gate)}`;
}

/** What a status means and what to do next; null where there is nothing to say. */
export interface StatusNotice {
  readonly tone: 'warn' | 'bad' | 'neutral';
  readonly title: string;
  readonly remedy: string;
}

/** "in epoch 3, step 120"; a Gram mixture has only the epochs of its gate networks. */
function placeWords(run: RunSummary): string {
  if (!isFitted(run.recipe.modelType)) return `in epoch ${run.epoch}, step ${formatCount(run.step)}`;
  if (run.epochsDone === 0) return 'before the first epoch of the gate networks';
  return `after ${plural(run.epochsDone, 'epoch')} of the gate networks`;
}

export function statusNotice(run: RunSummary): StatusNotice | null {
  const at = placeWords(run);
  switch (run.status) {
    case 'failed':
      return { tone: 'bad', title: `Failed ${at}`, remedy: failureRemedy(run) };
    case 'interrupted':
      return {
        tone: 'warn',
        title: `Interrupted ${at}`,
        remedy: 'Resume goes on from the last checkpoint; nothing before it is lost.',
      };
    case 'stopped':
      return {
        tone: /gate/i.test(run.reason) ? 'warn' : 'neutral',
        title: `Stopped ${at}`,
        remedy: run.best === null ? '' : `The best checkpoint, epoch ${run.best.epoch}, is kept.`,
      };
    case 'paused':
      return run.reason === '' ? null : { tone: 'warn', title: `Paused ${at}`, remedy: pauseRemedy(run) };
    default:
      return null;
  }
}

function pauseRemedy({ waitsForSpace }: RunSummary): string {
  return waitsForSpace
    ? 'Free some space on the disk of the storage folder, then resume.'
    : 'Resume goes on from here.';
}

function failureRemedy({ reason, recipe }: RunSummary): string {
  if (/nan|not finite|infinit|non-finite/i.test(reason)) {
    const others = isFitted(recipe.modelType) ? '' : ', a larger τ, or gradient clipping on';
    return `The numbers ran away. Repeat with a lower learning rate${others}.`;
  }
  if (/memory/i.test(reason)) return 'Repeat with a smaller batch, or close what else uses memory.';
  if (/disk|space|ENOSPC/i.test(reason)) return 'Free some space in the storage folder, then repeat.';
  return 'The log below has what came before. Repeat opens the form with this recipe.';
}

/** Progress of the run, 0..1; null while unknown. */
export function progressOf(run: RunSummary): number | null {
  if (run.status === 'finished') return 1;
  if (run.stage) return fitProgress(run, run.stage);
  return run.totalSteps === null || run.totalSteps === 0 ? null : run.step / run.totalSteps;
}

const DONE: ReadonlySet<RunStatus> = new Set<RunStatus>(['finished', 'stopped', 'failed', 'interrupted']);

/** "26 min left", "ran 12 min", or nothing while it is not known. */
export function timeWords(run: RunSummary): string {
  if (DONE.has(run.status)) return `ran ${formatDuration(run.durationMs)}`;
  if (run.status === 'paused') return `${formatDuration(run.durationMs)} so far`;
  return run.etaMs === null ? '' : `${formatDuration(run.etaMs)} left`;
}

export function stepsPerEpoch(run: RunSummary): number {
  // Its only curves are by epoch.
  if (isFitted(run.recipe.modelType)) return 1;
  if (run.imported) return Math.max(1, Math.round(run.step / Math.max(1, run.epoch)));
  if (run.trainRows !== null) return Math.max(1, Math.ceil(run.trainRows / run.recipe.batchSize));
  return Math.max(1, Math.round((run.totalSteps ?? run.recipe.epochs) / run.recipe.epochs));
}
