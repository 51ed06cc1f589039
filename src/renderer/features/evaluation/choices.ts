/** On what a run can be evaluated: the sides of its own training set, its OOD set, every other set that fits. Pure. */
import type { Dataset } from '#shared/contract/datasets.ts';
import type { EvaluationPart } from '#shared/contract/evaluation.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { misfit } from '../../parts/misfit.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';

export interface Choice {
  /** "datasetId part", for selects and the address. */
  readonly value: string;
  readonly label: string;
  readonly datasetId: string;
  readonly part: EvaluationPart;
  /** Why it cannot be chosen; empty when it can. */
  readonly problem: string;
}

const OWN_PARTS: readonly (readonly [EvaluationPart, string])[] = [
  ['validation', 'validation'],
  ['train', 'training'],
  ['all', 'all windows'],
];

function choice(datasetId: string, part: EvaluationPart, label: string, problem = ''): Choice {
  return {
    value: `${datasetId} ${part}`,
    label: problem === '' ? label : `${label} (${problem})`,
    datasetId,
    part,
    problem,
  };
}

/** Own validation first, then OOD, then the rest of the run's set, then other sets. */
export function evaluationChoices(run: RunSummary, sets: readonly Dataset[]): Choice[] {
  const own = sets.find((set) => set.id === run.recipe.dataset);
  const ownChoices = own ? OWN_PARTS.map(([part, word]) => choice(own.id, part, `${own.name} · ${word}`)) : [];
  const others = sets
    .filter((set) => set.id !== run.recipe.dataset)
    .map((set) => {
      const label = set.id === run.recipe.ood ? `${set.name} · OOD` : set.name;
      return choice(set.id, 'all', label, misfit(own, set));
    });
  const isOod = ({ datasetId }: Choice) => datasetId === run.recipe.ood;
  return [
    ...ownChoices.slice(0, 1),
    ...others.filter(isOod),
    ...ownChoices.slice(1),
    ...others.filter((c) => !isOod(c)),
  ];
}

/** Newest evaluation of a choice. */
export function evaluationOf(list: readonly Evaluation[], { datasetId, part }: Choice): Evaluation | null {
  return list.find((e) => e.data.id === datasetId && e.data.part === part) ?? null;
}
