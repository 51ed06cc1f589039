/** Progress of runs. */

interface Progress {
  readonly step: number;
  readonly totalSteps: number | null;
}

/** Of all runs together, 0..1: their mean. null: nothing is known of any of them yet. */
export function meanProgress(runs: readonly Progress[]): number | null {
  const known = runs.map(({ step, totalSteps }) => (totalSteps ? step / totalSteps : null));
  if (known.every((share) => share === null)) return null;
  return known.reduce<number>((sum, share) => sum + (share ?? 0), 0) / runs.length;
}
