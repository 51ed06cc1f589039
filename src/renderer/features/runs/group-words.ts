/** What the heading of a group says of its runs: mean cosines, with their spread over the runs. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { formatCosine } from '../../ui/text/format.ts';

const PARTS = [
  ['validation', 'valCosine'],
  ['OOD', 'oodCosine'],
] as const;

/** "validation 0.4012 ± 0.0102, OOD 0.3510 ± 0.0090": mean and standard deviation (n − 1) of best checkpoints; empty: none. */
export function groupWords(runs: readonly RunSummary[]): string {
  const parts = PARTS.map(([label, metric]) => {
    const values = runs.map(({ best }) => best?.[metric] ?? null).filter((value) => value !== null);
    return values.length === 0 ? '' : `${label} ${spreadText(values)}`;
  });
  return parts.filter(Boolean).join(', ');
}

function spreadText(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return formatCosine(mean);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${formatCosine(mean)} ± ${formatCosine(Math.sqrt(squares / (values.length - 1)))}`;
}
