/**
 * The fit of a Gram mixture in words: its stages while it trains, and what it is made of. Its last stage is the training of
 * the gate networks, in epochs. Pure.
 */
import type { RunSummary } from '#shared/contract/runs.ts';
import { modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { formatShare, plural } from '../ui/text/format.ts';

export type FitStage = NonNullable<RunSummary['stage']>;

interface StageText {
  readonly label: string;
  /** What it does, for a person. */
  readonly what: string;
}

const FIRST: readonly StageText[] = [
  { label: 'Clusters', what: 'groups of similar training articles' },
  { label: 'Position weights', what: 'how much each context position counts' },
  { label: 'Ridges', what: 'maps from a context to what follows it' },
];
const FINAL_FIT: StageText = {
  label: 'Final fit',
  what: 'the parts from all training articles',
};
const GATES: StageText = { label: 'Gate networks', what: 'learn from the cross-fits to mix the parts' };

/** Stages: the first three, one a cluster, the final fit, the gate networks. */
function stageText(index: number, count: number): StageText {
  if (index < FIRST.length) return FIRST[index];
  if (index === count - 1) return GATES;
  if (index === count - 2) return FINAL_FIT;
  const which = `Cross-fit ${index - FIRST.length + 1} of ${count - FIRST.length - 2}`;
  return { label: which, what: 'a cluster the parts have not seen' };
}

/** Whether the gate networks, and so the epochs, are still to come. */
export function isBeforeGates({ index, count }: FitStage): boolean {
  return index < count - 1;
}

export interface ListedStage extends StageText {
  readonly state: 'done' | 'now' | 'to come';
  /** Of the stage, 0..1. */
  readonly fraction: number;
}

/** Share done of the stage that a run is in, 0..1. */
function fractionOf(stage: FitStage, { epochsDone, recipe }: RunSummary): number {
  return isBeforeGates(stage) ? stage.fraction : epochsDone / recipe.epochs;
}

export function listStages(run: RunSummary, stage: FitStage): ListedStage[] {
  return Array.from({ length: stage.count }, (_, index) => {
    const text = stageText(index, stage.count);
    if (index === stage.index) return { ...text, state: 'now', fraction: fractionOf(stage, run) };
    return { ...text, state: index < stage.index ? 'done' : 'to come', fraction: index < stage.index ? 1 : 0 };
  });
}

/** "Ridges" */
export function stageLabel({ index, count }: FitStage): string {
  return stageText(index, count).label;
}

/** "Ridges, 40 %", or "Gate networks: epoch 3 of 12". */
export function stageWords(run: RunSummary, stage: FitStage): string {
  const { epochsDone, recipe } = run;
  if (isBeforeGates(stage)) return `${stageLabel(stage)}, ${formatShare(stage.fraction, 0)}`;
  return `${GATES.label}: epoch ${Math.min(epochsDone + 1, recipe.epochs)} of ${recipe.epochs}`;
}

/** Progress of the whole fit, 0..1; stages count alike. */
export function fitProgress(run: RunSummary, stage: FitStage): number {
  return (stage.index + fractionOf(stage, run)) / stage.count;
}

/** The parts by kind: "the context vectors", "3 ridge maps", … */
export function partKinds(recipe: Recipe): string[] {
  const spec = modelSpec(recipe, 1, 1);
  if (spec.type !== 'gram') return [];
  const { ridges, pooledRidges, neighbours, filters } = spec;
  const means = neighbours.map(({ count }) => count).join(' and ');
  return [
    'the context vectors',
    'the corpus mean',
    plural(ridges.length + pooledRidges.length, 'ridge map'),
    ...(means === '' ? [] : [`what followed the ${means} most similar training windows`]),
    ...(filters.length === 0 ? [] : [plural(2 * filters.length, 'filtered context')]),
    ...(recipe.parts.length === 0 ? [] : [`the predictions of ${plural(recipe.parts.length, 'earlier run')}`]),
  ];
}
