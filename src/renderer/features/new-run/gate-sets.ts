/** Gates to start from. Lift needs no knowledge of the data; the published ones are cosines from one family of data sets. */
import type { Gate } from '#shared/domain/recipe.ts';

/** For a data set whose history is unknown: measured against the mean of the context on the same rows. */
export const LIFT_GATES: readonly Gate[] = [
  { epoch: 3, metric: 'valLift', threshold: -0.1, action: 'stop' },
  { epoch: 6, metric: 'valLift', threshold: 0, action: 'warn' },
  { epoch: 'end', metric: 'oodLift', threshold: 0, action: 'warn' },
];

/** From practice on Wikipedia text (GTR-T5); they mean little elsewhere. */
export const PUBLISHED_GATES: readonly Gate[] = [
  { epoch: 1, metric: 'valCosine', threshold: 0.45, action: 'warn' },
  { epoch: 3, metric: 'valCosine', threshold: 0.48, action: 'warn' },
  { epoch: 3, metric: 'oodCosine', threshold: 0.3, action: 'warn' },
  { epoch: 6, metric: 'valCosine', threshold: 0.5, action: 'warn' },
  { epoch: 6, metric: 'oodCosine', threshold: 0.45, action: 'warn' },
  { epoch: 20, metric: 'valCosine', threshold: 0.54, action: 'warn' },
  { epoch: 20, metric: 'oodCosine', threshold: 0.6, action: 'warn' },
];
