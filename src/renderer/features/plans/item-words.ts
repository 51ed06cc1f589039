/** How an item of a plan is written: its status, figures, gates and claims. */
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CirclePlay,
  CircleSlash,
  CircleX,
  OctagonX,
} from 'lucide-vue-next';
import type { Component } from 'vue';
import type { Plan, QueueItem } from '#shared/contract/plans.ts';
import { intervalText } from '#shared/domain/evaluation/interval.ts';
import { figure, signed } from '#shared/domain/figures.ts';
import type { PlanGate } from '#shared/domain/plans/plans.ts';
import type { ShownStatus } from '#shared/domain/plans/plan-queue.ts';
import type { GateMetric } from '#shared/domain/recipe/recipe.ts';
import { formatCosine, formatDelta } from '../../ui/text/format.ts';
import { gateReading, gateThreshold, readsLabel } from '../../parts/run-words.ts';

export interface StatusLook {
  readonly label: string;
  readonly icon: Component;
  readonly tone: 'quiet' | 'live' | 'good' | 'warn' | 'bad';
}

export const ITEM_LOOKS: Readonly<Record<ShownStatus, StatusLook>> = {
  waiting: { label: 'Waiting', icon: CircleDashed, tone: 'quiet' },
  running: { label: 'Running', icon: CirclePlay, tone: 'live' },
  done: { label: 'Done', icon: CircleCheck, tone: 'good' },
  missed: { label: 'Gate missed', icon: OctagonX, tone: 'bad' },
  failed: { label: 'Failed', icon: CircleX, tone: 'bad' },
  skipped: { label: 'Skipped', icon: CircleSlash, tone: 'quiet' },
  blocked: { label: 'Not started', icon: Ban, tone: 'warn' },
  held: { label: 'Paused', icon: CirclePause, tone: 'warn' },
};

export const PLAN_LABELS: Readonly<Record<Plan['status'], string>> = {
  waiting: 'Waiting',
  running: 'Running',
  paused: 'Paused',
  stopped: 'Stopped at a gate or a failure',
  done: 'Done',
};

const PARTS = [
  { label: 'Validation', metrics: ['valCosine', 'valLift'] },
  { label: 'OOD', metrics: ['oodCosine', 'oodLift'] },
] as const;

export interface ItemFigures {
  readonly label: string;
  readonly lines: readonly { readonly metric: GateMetric; readonly text: string; readonly interval: string }[];
}

/** Cosine and lift of a trained item with their 95 % intervals, in validation and on the OOD set; empty before that. */
export function itemFigures({ item, figures, intervals }: QueueItem): ItemFigures[] {
  if (figures === null || item.kind !== 'train') return [];
  return PARTS.map(({ label, metrics }) => ({
    label,
    lines: metrics.map((metric) => {
      const isLift = metric.endsWith('Lift');
      const text = (isLift ? formatDelta : formatCosine)(figures[metric]);
      return { metric, text, interval: intervalText(intervals?.[metric], isLift ? signed : figure) };
    }),
  }));
}

export interface GateLight {
  readonly metric: string;
  readonly minimum: string;
  readonly value: string;
  readonly state: 'open' | 'passed' | 'missed';
}

/** What a report is to show, e.g. "gram: OOD lift over best baseline, lower end ≥ 0". */
export function claimWords({ item }: QueueItem): string[] {
  if (item.kind !== 'report') return [];
  return item.claims.map(
    ({ of, minimum, ...reads }) => `${of}: ${readsLabel(reads)} ≥ ${gateThreshold(reads.metric, minimum)}`,
  );
}

/** A gate is open until its run has ended. */
export function gateLights(item: QueueItem): GateLight[] {
  if (item.item.kind !== 'train') return [];
  const isRead = item.status === 'done' || item.status === 'missed';
  return item.item.gates.map(({ metric, bound, minimum }: PlanGate) => {
    const read = bound === 'low' ? item.intervals?.[metric]?.low : item.figures?.[metric];
    const value = isRead ? (read ?? null) : null;
    return {
      metric: readsLabel({ metric, bound }),
      minimum: gateThreshold(metric, minimum),
      value: gateReading(metric, value),
      state: !isRead ? 'open' : value !== null && value >= minimum ? 'passed' : 'missed',
    };
  });
}

export function canRetry({ status }: QueueItem): boolean {
  return status === 'missed' || status === 'failed' || status === 'skipped';
}

export function canSkip({ status }: QueueItem): boolean {
  return status !== 'done' && status !== 'skipped';
}

export function isOpen({ status }: QueueItem): boolean {
  return status === 'waiting' || status === 'running' || status === 'held' || status === 'blocked';
}
