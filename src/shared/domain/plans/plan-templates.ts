/**
 * Plans worth starting from. "recover" retrains AMN, the cured AMN and the Gram mixture, and reports which beat the baselines;
 * other models follow only where AMN holds.
 */
import { z } from 'zod';
import { MODEL_LABELS, MODEL_TYPES, modelRow } from '../models/models.ts';
import { NameSchema } from '../names.ts';
import type { GateMetric } from '../recipe/recipe.ts';
import { PRESETS } from '../recipe/presets.ts';
import {
  PlanGateSchema,
  RecipeChangesSchema,
  type PlanClaim,
  type PlanGate,
  type PlanSpecInput,
  type RecipeChanges,
} from './plans.ts';

export const PLAN_TEMPLATES = ['recover'] as const;

/** Models that can be trained with the recipe AMN has. */
export const OTHER_MODELS = MODEL_TYPES.filter((type) => type !== 'amn' && modelRow(type).training === 'gradient');

export const RecoverSchema = z.strictObject({
  template: z.literal('recover'),
  name: NameSchema.default('Recover'),
  dataset: z.string().min(1),
  ood: z.string().min(1).nullable().default(null),
  /** Of AMN, and then of the others with their model in its place. */
  recipe: RecipeChangesSchema.default({}),
  /** What AMN must reach; absent: the best baseline's cosine, on validation and on OOD where there is one. */
  gates: z.array(PlanGateSchema).min(1).max(20).optional(),
  /** Also train the cured AMN and the Gram mixture, whether AMN holds or not. */
  cures: z.boolean().default(true),
  models: z.array(z.enum(OTHER_MODELS)).default([...OTHER_MODELS]),
});
export type RecoverInput = z.input<typeof RecoverSchema>;

/** What a preset changes, as the recipe of an item. */
function presetRecipe(id: string): RecipeChanges {
  const preset = PRESETS.find((one) => one.id === id);
  if (!preset) throw new Error(`There is no preset "${id}"`);
  return preset.changes;
}

/** What "recover" sets out to show: its mixture is better than everything that needs no training. */
function claims(hasOod: boolean): PlanClaim[] {
  const metrics: readonly GateMetric[] = hasOod ? ['valBestLift', 'oodBestLift'] : ['valBestLift'];
  return metrics.map((metric) => ({ of: 'gram', metric, minimum: 0, bound: 'low' }));
}

/** In-distribution and OOD hold: at least as good as the best baseline of the same windows. */
export function holdGates(hasOod: boolean, minimum = 0): PlanGate[] {
  const gates: PlanGate[] = [{ metric: 'valBestLift', minimum }];
  return hasOod ? [...gates, { metric: 'oodBestLift', minimum }] : gates;
}

/** Retrain AMN, the cured AMN and the mixture; only when AMN holds, the others with its recipe; then the report. */
export function recoverPlan(input: RecoverInput): PlanSpecInput {
  const { name, dataset, ood, recipe, gates, cures, models } = RecoverSchema.parse(input);
  const others = [...new Set(models)];
  const cured = { key: 'cured', kind: 'train', like: 'amn', recipe: presetRecipe('cured') } as const;
  const gram = { key: 'gram', kind: 'train', like: 'amn', recipe: presetRecipe('robust') } as const;
  return {
    name,
    dataset,
    ood,
    items: [
      { key: 'amn', kind: 'train', recipe: { ...recipe, modelType: 'amn' }, gates: gates ?? holdGates(ood !== null) },
      ...(cures ? [cured, gram] : []),
      ...others.map((modelType) => ({
        key: modelType,
        kind: 'train' as const,
        needs: ['amn'],
        like: 'amn',
        recipe: { modelType },
      })),
      cures
        ? { key: 'report', kind: 'report', needs: ['cured', 'gram'], claims: claims(ood !== null) }
        : { key: 'report', kind: 'report', needs: others },
    ],
  };
}

/** A plan file with everything in it, for `nextvec plan --example`. */
export const EXAMPLE_PLAN = {
  name: `${MODEL_LABELS.amn}, then ${MODEL_LABELS.gru}`,
  data: 'sample',
  ood: 'sample',
  items: [
    {
      key: 'amn',
      kind: 'train',
      recipe: { modelType: 'amn', epochs: 5, batchSize: 64, lr: 5e-4 },
      gates: [{ metric: 'oodLift', minimum: 0.01 }],
    },
    { key: 'gru', kind: 'train', needs: ['amn'], like: 'amn', recipe: { modelType: 'gru' } },
    { key: 'report', kind: 'report', needs: ['gru'] },
  ],
};
