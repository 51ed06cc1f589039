/** Groups of the table of runs: of which kind, their headings, and the rows they make. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { isPlanTag, SWEEP_TAG } from '#shared/domain/runs/run-kinds.ts';
import { statusLabel } from '../../ui/text/run-status.ts';
import { groupWords } from './group-words.ts';

export type Grouping = 'none' | 'model' | 'dataset' | 'sweep' | 'status' | 'tag';

interface RunGroup {
  /** Empty for the one group of an ungrouped table. */
  readonly title: string;
  readonly runs: readonly RunSummary[];
}

/** A run, or the heading of the group that follows. */
export type TableRow = RunSummary | { readonly title: string; readonly count: number; readonly words: string };

function groupTitle(run: RunSummary, grouping: Grouping): string {
  switch (grouping) {
    case 'none':
      return '';
    case 'model':
      return MODEL_LABELS[run.recipe.modelType];
    case 'dataset':
      return run.datasetName;
    case 'status':
      return statusLabel(run);
    case 'sweep':
      return sweepTitle(run);
    case 'tag':
      return run.tags[0] ?? 'No tag';
  }
}

/** By the plan of the sweep, which is among the run's tags. */
function sweepTitle({ tags }: RunSummary): string {
  const plan = tags.includes(SWEEP_TAG) ? tags.find(isPlanTag) : undefined;
  return plan === undefined ? 'No sweep' : `Sweep of ${plan}`;
}

export function grouped(runs: readonly RunSummary[], grouping: Grouping): RunGroup[] {
  const byTitle = Map.groupBy(runs, (run) => groupTitle(run, grouping));
  return [...byTitle].map(([title, members]) => ({ title, runs: members }));
}

export function tableRows(groups: readonly RunGroup[]): TableRow[] {
  return groups.flatMap(({ title, runs }) => [
    ...(title === '' ? [] : [{ title, count: runs.length, words: groupWords(runs) }]),
    ...runs,
  ]);
}
