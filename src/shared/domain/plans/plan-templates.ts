/**
 * Plans worth starting from. "recover" retrains AMN, the cured AMN and the Gram mixture, and reports which beat the baselines;
 * other models follow only where AMN holds. "tour" retells a retrain that failed.
 */
import { z } from 'zod';
import { MODEL_LABELS, MODEL_TYPES, modelRow } from '../models/models.ts';
import { lambdaOf } from '../models/terms.ts';
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

export const PLAN_TEMPLATES = ['recover', 'tour'] as const;

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

/** The mixture, item `of`, is better than everything that needs no training. */
function claims(hasOod: boolean, of: string): PlanClaim[] {
  const metrics: readonly GateMetric[] = hasOod ? ['valBestLift', 'oodBestLift'] : ['valBestLift'];
  return metrics.map((metric) => ({ of, metric, minimum: 0, bound: 'low' }));
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
        ? { key: 'report', kind: 'report', needs: ['cured', 'gram'], claims: claims(ood !== null, 'gram') }
        : { key: 'report', kind: 'report', needs: others },
    ],
  };
}

export const TourSchema = z.strictObject({
  template: z.literal('tour'),
  name: NameSchema.default('A retrain that failed'),
  dataset: z.string().min(1),
  ood: z.string().min(1),
  /** Of all runs, where their own recipes say nothing else. */
  recipe: RecipeChangesSchema.default({}),
});

/** Enough to see the curves flatten. */
const TOUR_EPOCHS = 5;

/** Trained by the tour, in its order. */
export const TOUR_RUNS = ['mse', 'proposed', 'leaking', 'robust'] as const;
export const TOUR_REPORT = 'report';

/**
 * The tour "A retrain that failed": AMN with MSE only, the proposed MSE + InfoNCE 0.5/0.5, a split that leaks, the Gram
 * mixture, the report. `stepwise`: after the first, each item waits until it is resumed.
 */
export function tourPlan(input: z.input<typeof TourSchema>, stepwise = false): PlanSpecInput {
  const { name, dataset, ood, recipe } = TourSchema.parse(input);
  const epochs = recipe.epochs ?? TOUR_EPOCHS;
  const gates = holdGates(true);
  const proposed = { lambda: lambdaOf({ mse: 0.5, info_nce: 0.5 }) };
  const held = stepwise;
  return {
    name,
    dataset,
    ood,
    items: [
      { key: 'mse', kind: 'train', recipe: { ...presetRecipe('mse'), ...recipe, epochs }, gates },
      { key: 'proposed', kind: 'train', held, like: 'mse', recipe: proposed, gates },
      { key: 'leaking', kind: 'train', held, like: 'mse', recipe: { split: { kind: 'random' } } },
      { key: 'robust', kind: 'train', held, recipe: { ...recipe, ...presetRecipe('robust') }, gates },
      { key: TOUR_REPORT, kind: 'report', held, needs: ['robust'], claims: claims(true, 'robust') },
    ],
  };
}

/** Whether a plan is one of the tour's: it has all its items. */
export function isTour(items: readonly { readonly key: string }[]): boolean {
  return [...TOUR_RUNS, TOUR_REPORT].every((key) => items.some((item) => item.key === key));
}

export const PlanTemplateSchema = z.discriminatedUnion('template', [RecoverSchema, TourSchema]);

/** The plan that a template stands for. */
export function templatePlan(template: z.infer<typeof PlanTemplateSchema>): PlanSpecInput {
  return template.template === 'tour' ? tourPlan(template) : recoverPlan(template);
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
