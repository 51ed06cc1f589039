/** Plans worth starting from. "recover": nothing larger is trained before the smallest model has shown that it holds. */
import { z } from 'zod';
import { MODEL_LABELS, MODEL_TYPES, modelRow } from '../models/models.ts';
import { NameSchema } from '../names.ts';
import { PlanGateSchema, RecipeChangesSchema, type PlanGate, type PlanSpecInput } from './plans.ts';

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
  /** What AMN must reach; absent: a hundredth over the mean of the context, on validation and on OOD where there is one. */
  gates: z.array(PlanGateSchema).min(1).max(20).optional(),
  models: z
    .array(z.enum(OTHER_MODELS))
    .min(1)
    .default([...OTHER_MODELS]),
});
export type RecoverInput = z.input<typeof RecoverSchema>;

/** In-distribution and OOD hold: at least this much over the mean of the context. */
export function holdGates(hasOod: boolean, minimum = 0.01): PlanGate[] {
  const gates: PlanGate[] = [{ metric: 'valLift', minimum }];
  return hasOod ? [...gates, { metric: 'oodLift', minimum }] : gates;
}

/** Retrain AMN; only when it holds, the others with the same recipe; then the report. */
export function recoverPlan(input: RecoverInput): PlanSpecInput {
  const { name, dataset, ood, recipe, gates, models } = RecoverSchema.parse(input);
  const others = [...new Set(models)];
  return {
    name,
    dataset,
    ood,
    items: [
      { key: 'amn', kind: 'train', recipe: { ...recipe, modelType: 'amn' }, gates: gates ?? holdGates(ood !== null) },
      ...others.map((modelType) => ({
        key: modelType,
        kind: 'train' as const,
        needs: ['amn'],
        like: 'amn',
        recipe: { modelType },
      })),
      { key: 'report', kind: 'report', needs: others },
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
