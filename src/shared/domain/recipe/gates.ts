/**
 * Gates: what a run must have reached at the end of an epoch, and what happens when it has not. Also the control of the
 * OOD sentinel: where the baselines on the same set fail as well, the evaluation is broken and no gate may judge the
 * model by it. Pure; acting on a gate is the run service's work.
 */
import { bestBaseline } from '../evaluation/evaluation.ts';
import { figure, minimumText, signed } from '../figures.ts';
import type { Gate, GateMetric } from './recipe.ts';
import { BASELINES, type Baselines, type EpochRecord } from '../runs/training.ts';

export interface GateReading {
  readonly type: 'gate';
  readonly gate: Gate;
  readonly epoch: number;
  /** null: not measured. */
  readonly value: number | null;
  readonly passed: boolean;
  /** The gate did not judge: its set failed the control. */
  readonly broken: boolean;
  /** One sentence for the history, the notification and the exit message. */
  readonly message: string;
}

const GATE_METRIC_LABELS: Readonly<Record<GateMetric, string>> = {
  valCosine: 'validation cosine',
  oodCosine: 'OOD cosine',
  valLift: 'validation lift over the mean of the context',
  oodLift: 'OOD lift over the mean of the context',
  valBestLift: 'validation lift over the best baseline',
  oodBestLift: 'OOD lift over the best baseline',
};

/** What a gate reads, in words. */
export function gateLabel({ metric, bound }: { metric: GateMetric; bound?: 'low' }): string {
  return `${bound === 'low' ? 'lower end of the ' : ''}${GATE_METRIC_LABELS[metric]}`;
}

/** Thresholds from practice, for a data set whose earlier runs show that absolute cosines of this size are usual. */
export const ABSOLUTE_GATES: readonly Gate[] = [
  { epoch: 1, metric: 'valCosine', threshold: 0.45, action: 'warn' },
  { epoch: 3, metric: 'valCosine', threshold: 0.48, action: 'warn' },
  { epoch: 3, metric: 'oodCosine', threshold: 0.3, action: 'warn' },
  { epoch: 6, metric: 'valCosine', threshold: 0.5, action: 'warn' },
  { epoch: 6, metric: 'oodCosine', threshold: 0.45, action: 'warn' },
  { epoch: 20, metric: 'valCosine', threshold: 0.54, action: 'warn' },
  { epoch: 20, metric: 'oodCosine', threshold: 0.6, action: 'warn' },
];

/** For a data set whose history is unknown: the run must come to beat the mean of the context. */
export const LIFT_GATES: readonly Gate[] = [
  { epoch: 3, metric: 'valLift', threshold: -0.05, action: 'warn' },
  { epoch: 6, metric: 'valLift', threshold: 0, action: 'warn' },
  { epoch: 6, metric: 'oodLift', threshold: 0, action: 'warn' },
  { epoch: 'end', metric: 'valLift', threshold: 0.01, action: 'warn' },
  { epoch: 'end', metric: 'oodLift', threshold: 0.01, action: 'warn' },
];

/** Gates a new recipe starts with; OOD gates only where there is an OOD set. */
export function defaultGates(options: { readonly historyKnown: boolean; readonly ood: boolean }): Gate[] {
  const gates = options.historyKnown ? ABSOLUTE_GATES : LIFT_GATES;
  return gates.filter((gate) => options.ood || !gate.metric.startsWith('ood'));
}

/** A baseline's cosine below this on a set that should be predictable: the set is broken. */
const CONTROL_MINIMUM = 0.05;

/**
 * The control of a set: null when it holds, else the sentence "evaluation broken …". Best of the simple baselines
 * on the OOD set against the same on validation.
 */
export function sentinelControl(baselines: Baselines): string | null {
  const names = ['contextMean', 'lastVector', 'weightedMean'] as const;
  const table = (field: 'valCosine' | 'oodCosine') =>
    Object.fromEntries(names.map((name) => [name, baselines[name]?.[field] ?? null]));
  const ood = bestBaseline(table('oodCosine'), names);
  const val = bestBaseline(table('valCosine'), names);
  if (ood === null || val === null || val.cosine < 0.15 || ood.cosine >= CONTROL_MINIMUM) return null;
  return `Evaluation broken: the baselines fail on the OOD set too (best ${figure(ood.cosine)}, ${figure(val.cosine)} on validation). OOD figures of this run say nothing about the model; check how the OOD windows were built.`;
}

function difference(a: number | null, b: number | null | undefined): number | null {
  return a === null || b === null || b === undefined ? null : a - b;
}

/** Cosine of the strongest baseline that was measured. */
export function bestCosine(baselines: Baselines, field: 'valCosine' | 'oodCosine'): number | null {
  const table = Object.fromEntries(BASELINES.map((name) => [name, baselines[name]?.[field] ?? null]));
  return bestBaseline(table)?.cosine ?? null;
}

/** The lower end of the metric's interval where the gate asks for it. */
function gateValue({ metric, bound }: Gate, record: EpochRecord): number | null {
  return bound === 'low' ? (record.intervals?.[metric]?.low ?? null) : metricValue(metric, record);
}

function metricValue(metric: GateMetric, record: EpochRecord): number | null {
  const mean = record.baselines.contextMean;
  switch (metric) {
    case 'valCosine':
      return record.valCosine;
    case 'oodCosine':
      return record.oodCosine;
    case 'valLift':
      return difference(record.valCosine, mean?.valCosine);
    case 'oodLift':
      return difference(record.oodCosine, mean?.oodCosine);
    case 'valBestLift':
      return difference(record.valCosine, bestCosine(record.baselines, 'valCosine'));
    case 'oodBestLift':
      return difference(record.oodCosine, bestCosine(record.baselines, 'oodCosine'));
  }
}

/** Reads every gate that falls due at the end of this epoch. A gate whose metric was not measured does not pass. */
export function readGates(gates: readonly Gate[], record: EpochRecord, epochs: number): GateReading[] {
  const due = gates.filter((gate) => (gate.epoch === 'end' ? epochs : gate.epoch) === record.epoch);
  const broken = sentinelControl(record.baselines);
  return due.map((gate) => readGate(gate, record, gate.metric.startsWith('ood') ? broken : null));
}

const ACTION_WORDS: Readonly<Record<Gate['action'], string>> = {
  warn: 'a warning',
  pause: 'the run is paused',
  stop: 'the run is stopped',
};

function readGate(gate: Gate, record: EpochRecord, broken: string | null): GateReading {
  const value = gateValue(gate, record);
  const passed = value !== null && value >= gate.threshold;
  const show = gate.metric.endsWith('Lift') ? signed : figure;
  const minimum = minimumText(gate.threshold, show);
  const what = `Gate at epoch ${record.epoch}: ${gateLabel(gate)} ${show(value)}`;
  const message =
    broken ??
    (passed ? `${what}, at least ${minimum}: passed.` : `${what}, below ${minimum}: ${ACTION_WORDS[gate.action]}.`);
  return { type: 'gate', gate, epoch: record.epoch, value, passed, broken: broken !== null, message };
}
