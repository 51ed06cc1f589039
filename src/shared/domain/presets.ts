/** Recipes worth starting from, each with what is known of it. Numbers quoted are published results, not promises. */
import type { RecipeInput } from './recipe.ts';

export interface Preset {
  readonly id: string;
  readonly label: string;
  /** What is known, in one sentence. */
  readonly known: string;
  /** Nobody has shown that it works. */
  readonly unproven: boolean;
  readonly changes: Partial<Omit<RecipeInput, 'dataset'>>;
}

export const PRESETS: readonly Preset[] = [
  {
    id: 'mse',
    label: 'MSE only',
    known: '543,773 sequences: validation 0.5605. 726,014 sequences: validation 0.4607 and a reported OOD of −0.0118.',
    unproven: false,
    changes: {
      lambda: { mse: 1, info_nce: 0, moment: 0, variance: 0, directional: 0, anti_copy: 0 },
      epochs: 20,
    },
  },
  {
    id: 'mse-infonce',
    label: 'MSE + InfoNCE',
    known: 'Proposed as the fix; the retrain with it reached validation 0.2675 (InfoNCE outweighed MSE 700 : 1).',
    unproven: true,
    changes: {
      lambda: { mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3, directional: 0, anti_copy: 0 },
      tau: 0.07,
      epochs: 30,
    },
  },
];
