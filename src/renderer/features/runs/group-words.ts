/** Text beside a group's heading: mean cosines of its runs, with their standard deviation. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { spread, type Spread } from '#shared/domain/spread.ts';
import { formatCosine } from '../../ui/text/format.ts';

const PARTS = [
  ['validation', 'valCosine'],
  ['OOD', 'oodCosine'],
] as const;

/** "validation 0.4012 ± 0.0102, OOD 0.3510 ± 0.0090": mean and standard deviation (n − 1) of best checkpoints; empty: none. */
export function groupWords(runs: readonly RunSummary[]): string {
  const parts = PARTS.map(([label, metric]) => {
    const measured = spread(runs.map(({ best }) => best?.[metric] ?? null).filter((value) => value !== null));
    return measured === null ? '' : `${label} ${spreadText(measured)}`;
  });
  return parts.filter(Boolean).join(', ');
}

function spreadText({ mean, std }: Spread): string {
  return std === null ? formatCosine(mean) : `${formatCosine(mean)} ± ${formatCosine(std)}`;
}
