/** The two runs that are compared where none were chosen: the newest with a result, and the one before it on the same data. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';

/**
 * `runs`: newest first. The pinned run, else the earlier one, comes first, as the baseline; empty: there are no two.
 */
export function newestPair(runs: readonly RunSummary[], pinned: RunSummary | null): string[] {
  const measured = runs.filter((run) => run.best !== null && run.id !== pinned?.id);
  if (pinned !== null) return measured.slice(0, 1).flatMap(({ id }) => [pinned.id, id]);
  for (const [i, newer] of measured.entries()) {
    const isAlike = ({ recipe }: RunSummary) =>
      recipe.dataset === newer.recipe.dataset && recipe.ood === newer.recipe.ood;
    const earlier = measured.slice(i + 1).find(isAlike);
    if (earlier) return [earlier.id, newer.id];
  }
  return [];
}
