/**
 * A recipe is everything that decides a run's result: data, split, model, losses, optimiser, schedule, gates, seed.
 * The schema is the one place where ranges and defaults stand; the form, the command line and the store all read it.
 */
import { z } from 'zod';
import {
  INPUT_SHIFTS,
  MODEL_LABELS,
  MODEL_TYPES,
  defaultSpec,
  modelRow,
  sizesProblem,
  type GradientSpec,
  type ModelSpec,
} from '../models/models.ts';
import { MOST_EXTRAS } from '../models/gram.ts';
import { ArticleListSchema } from './article-list.ts';
import { TERM_TABLE, byTerm, isTerm, type LossConfig } from '../models/terms.ts';

export const ENGINE_CHOICES = ['auto', 'simd', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

/** Cosine of a run, its lift over the mean of the context, and over the best baseline of the same rows. */
export const GATE_METRICS = ['valCosine', 'oodCosine', 'valLift', 'oodLift', 'valBestLift', 'oodBestLift'] as const;
export type GateMetric = (typeof GATE_METRICS)[number];

export const GateSchema = z.object({
  /** Epoch (1-based) at whose end the gate is read; 'end' is the last epoch of the recipe. */
  epoch: z.union([z.int().min(1).max(100_000), z.literal('end')]),
  metric: z.enum(GATE_METRICS),
  /** 'low': the lower end of the metric's 95 % interval is read; absent: the metric itself. */
  bound: z.literal('low').optional(),
  /** What is read must be at least this. */
  threshold: z.number().min(-1).max(1),
  action: z.enum(['warn', 'pause', 'stop']),
});
export type Gate = z.infer<typeof GateSchema>;

const weight = (fallback: number) => z.number().min(0).max(1e6).default(fallback);

/** λ of each term. λ of a term that only a newer version knows is kept; `unknownTerms` finds it. */
const LambdaSchema = z
  .looseObject(byTerm((term) => weight(TERM_TABLE[term].defaultLambda)))
  .refine((lambda) => Object.values(lambda).some((weight) => typeof weight === 'number' && weight > 0), {
    error: 'Every loss weight λ is 0, so nothing would be trained. Give at least one term a weight above 0.',
  });

export const ScheduleSchema = z.discriminatedUnion(
  'kind',
  [
    z.object({
      kind: z.literal('plateau'),
      /** Learning rate is multiplied by this when the validation loss stalls. */
      factor: z.number().gt(0).lt(1).default(0.5),
      /** Epochs without a relative gain of `threshold` before that happens. */
      patience: z.int().min(0).max(1000).default(3),
      threshold: z.number().min(0).max(1).default(1e-4),
    }),
    z.object({ kind: z.literal('constant') }),
    z.object({
      kind: z.literal('cosine'),
      /** Epochs in which the rate rises linearly to `lr`; half a cosine takes it down in the rest. */
      warmUp: z.number().min(0).max(100_000).default(1),
      /** Part of `lr` that it ends at. */
      floor: z.number().min(0).max(1).default(0),
    }),
  ],
  { error: 'The learning-rate schedules are plateau, constant and cosine.' },
);
export type Schedule = z.infer<typeof ScheduleSchema>;

export const EarlyStoppingSchema = z.object({
  /** Rows whose mean cosine must go on rising. */
  on: z.enum(['off', 'validation', 'ood']).default('off'),
  /** Epochs in a row without a gain that end the run. */
  patience: z.int().min(1).max(100_000).default(5),
  /** Cosine that a gain must exceed. */
  minGain: z.number().min(0).max(2).default(0),
});
export type EarlyStopping = z.infer<typeof EarlyStoppingSchema>;

const SPLIT_KINDS = ['article', 'random', 'file'] as const;
export const SplitSchema = z.object({
  /** 'article' keeps every article on one side; 'random' leaks overlapping windows; 'file' takes the file's own train/val arrays. */
  kind: z.enum(SPLIT_KINDS).default('article'),
  /** Share of the articles (or windows) held out for validation. */
  validationShare: z.number().gt(0).lt(0.9).default(0.1),
  /** Articles left out of training, e.g. "3,7-12". Those drawn for validation are still measured. Absent: none. */
  excludedArticles: ArticleListSchema.optional(),
});
export type Split = z.infer<typeof SplitSchema>;

const onOff = z.enum(['on', 'off']).default('on');
/** What a Gram mixture goes without, e.g. to see what each is worth. */
export const GramSettingsSchema = z.object({
  /** Means over similar training windows as parts. */
  neighbours: onOff,
  /** Spectral filters as parts. */
  filters: onOff,
  /** Windows turned by random isometries among the data of the gates. */
  turned: onOff,
});

/** Sizes of a model that a recipe may change; which of them a model has is in `models.ts`. */
export const MODEL_SIZES = ['dModel', 'hiddenDim', 'numLayers', 'heads', 'feedForward', 'keys'] as const;
export const SizesSchema = z.partialRecord(z.enum(MODEL_SIZES), z.int().min(1).max(65_536));
export type Sizes = z.infer<typeof SizesSchema>;

/** Stands for the data set of a recipe whose data is not here, e.g. of an imported run. */
export const NO_DATASET = '-';

export const DEFAULT_LAMBDA = byTerm((term) => TERM_TABLE[term].defaultLambda);

export const RecipeSchema = z.object({
  /** Id of the training data set in the storage folder. */
  dataset: z.string().min(1),
  /** Id of the out-of-distribution set, or null: then OOD is "not measured". */
  ood: z.string().min(1).nullable().default(null),
  modelType: z.enum(MODEL_TYPES).default('amn'),
  /** What the residual is added to, where the model has a choice (`MODEL_TABLE`). 'mean' is the published model and does not see the order of its context. */
  skip: z.enum(['mean', 'positional']).default('mean'),
  /** 'least-squares' (AMN only): the residual starts at zero and position weights at their least-squares solution. */
  start: z.enum(['random', 'least-squares']).default('random'),
  /**
   * What the model reads: the vectors themselves ('absolute', as published), or less the mean of the context ('relative') or
   * of the training data ('centred'); the same mean is added back to the output.
   */
  inputs: z.enum(['absolute', ...INPUT_SHIFTS]).default('absolute'),
  /** Weights to start from: a run's id, or a file (safetensors, PyTorch .pt, npz). null: as `start` says. */
  initFrom: z.string().min(1).max(4096).nullable().default(null),
  /** Gram mixture only. */
  gram: GramSettingsSchema.default({ neighbours: 'on', filters: 'on', turned: 'on' }),
  /** Gram mixture only: ids of finished runs whose models are further parts. */
  parts: z.array(z.string().min(1).max(100)).max(MOST_EXTRAS).default([]),
  /** Sizes other than those of the published runs; null: those. */
  sizes: SizesSchema.nullable().default(null),
  /** Share of each training batch that is turned by random isometries, one an article and epoch. */
  augment: z.object({ isometry: z.number().min(0).max(1).default(0) }).default({ isometry: 0 }),
  epochs: z.int().min(1).max(100_000).default(20),
  batchSize: z.int().min(1).max(65_536).default(32),
  lr: z.number().gt(0).max(10).default(5e-4),
  lambda: LambdaSchema.default(DEFAULT_LAMBDA),
  tau: z.number().gt(0).max(100).default(0.07),
  marginDirectional: z.number().min(0).max(2).default(0.05),
  marginAntiCopy: z.number().min(0).max(2).default(0.02),
  /** Target of the variance hinge: 1 as in the reference formula, or the 1/√D a unit vector can reach. */
  varianceTarget: z.enum(['one', 'reachable']).default('one'),
  weightDecay: z.number().min(0).max(10).default(0.01),
  /** Global gradient norm limit; 0 turns clipping off. */
  clip: z.number().min(0).max(1e6).default(1),
  schedule: ScheduleSchema.default({ kind: 'plateau', factor: 0.5, patience: 3, threshold: 1e-4 }),
  earlyStopping: EarlyStoppingSchema.default({ on: 'off', patience: 5, minGain: 0 }),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(7),
  split: SplitSchema.default({ kind: 'article', validationShare: 0.1 }),
  engine: z.enum(ENGINE_CHOICES).default('auto'),
  /** null: all cores. */
  threads: z.int().min(1).max(256).nullable().default(null),
  /** Kept from foreign command lines; only steers `engine: auto`. */
  device: z.enum(['cpu', 'mps', 'cuda']).nullable().default(null),
  gates: z.array(GateSchema).max(100).default([]),
});
export type Recipe = z.infer<typeof RecipeSchema>;
/** What a person or a file may leave out. */
export type RecipeInput = z.input<typeof RecipeSchema>;

/** The model a recipe asks for, for windows of T vectors of width D. */
export function modelSpec(recipe: Recipe, T: number, D: number): ModelSpec {
  const published = defaultSpec(recipe.modelType, T, D);
  const sizes = Object.entries(recipe.sizes ?? {}).filter(([name]) => name in published);
  const sized = { ...published, ...Object.fromEntries(sizes) } as ModelSpec;
  if (sized.type === 'gram') {
    if (recipe.gram.filters === 'off') sized.filters = [];
    return recipe.gram.neighbours === 'off' ? { ...sized, neighbours: [], keys: 0 } : sized;
  }
  const spec: GradientSpec =
    sized.type === 'amn' && recipe.skip === 'positional' ? { ...sized, skip: 'positional' } : sized;
  return recipe.inputs === 'absolute' ? spec : { ...spec, inputs: recipe.inputs };
}

export interface RecipeProblem {
  readonly message: string;
  readonly remedy: string;
}

/** Sizes of a recipe that its model does not have or that do not fit together; null: they make a model. */
export function recipeSizesProblem(recipe: Recipe): RecipeProblem | null {
  const { modelType, sizes } = recipe;
  const published = defaultSpec(modelType, 1, 1);
  const foreign = Object.keys(sizes ?? {}).find((name) => !(name in published));
  if (foreign !== undefined) {
    const own = MODEL_SIZES.filter((name) => name in published);
    return { message: `${MODEL_LABELS[modelType]} has no size "${foreign}".`, remedy: `Its sizes: ${own.join(', ')}.` };
  }
  const message = sizesProblem(modelSpec(recipe, 1, 1));
  if (message === null) return null;
  return { message, remedy: 'Change one of the sizes; sizes left out are the published ones.' };
}

function warmUpProblem({ schedule, epochs }: Recipe): RecipeProblem | null {
  if (schedule.kind !== 'cosine' || schedule.warmUp < epochs) return null;
  return {
    message: `The warm-up of ${schedule.warmUp} epochs leaves none of the ${epochs} epochs for the cosine.`,
    remedy: 'Shorten the warm-up or train for more epochs.',
  };
}

function stoppingProblem({ earlyStopping, ood }: Recipe): RecipeProblem | null {
  if (earlyStopping.on !== 'ood' || ood !== null) return null;
  return {
    message: 'Early stopping looks at the OOD set, and there is none.',
    remedy: 'Choose an OOD set, or validation.',
  };
}

/** A recipe to be trained. `RecipeSchema` also reads what history holds, where sizes may not fit together. */
export const TrainableRecipeSchema = RecipeSchema.superRefine((recipe, context) => {
  const problems = {
    sizes: recipeSizesProblem(recipe),
    schedule: warmUpProblem(recipe),
    'earlyStopping.on': stoppingProblem(recipe),
  };
  for (const [path, problem] of Object.entries(problems)) {
    if (problem === null) continue;
    const { message, remedy } = problem;
    context.addIssue({ code: 'custom', path: path.split('.'), message, params: { remedy } });
  }
});

/**
 * The sizes in which a model differs from the published one; null: in none. Not among them: the keys of a Gram mixture,
 * of which it has as many as it was trained on windows.
 */
export function sizesOf(spec: ModelSpec): Sizes | null {
  const published: Readonly<Record<string, unknown>> = defaultSpec(spec.type, spec.T, spec.D);
  const own: Readonly<Record<string, unknown>> = spec;
  const other = MODEL_SIZES.filter((name) => name !== 'keys' && own[name] !== published[name]);
  return other.length === 0 ? null : SizesSchema.parse(Object.fromEntries(other.map((name) => [name, own[name]])));
}

/** Terms with a λ that is not 0 which this version does not know; such a recipe can be shown but not trained. */
export function unknownTerms(lambda: Recipe['lambda']): string[] {
  return Object.keys(lambda).filter((name) => !isTerm(name) && lambda[name] !== 0);
}

/** Whether the model of a recipe gives another prediction for the context in another order. */
export function seesOrder({ modelType, skip }: Pick<Recipe, 'modelType' | 'skip'>): boolean {
  return modelRow(modelType).seesOrder === 'yes' || skip === 'positional';
}

/** The recipe on another engine; undefined: on its own. */
export function onEngine(recipe: Recipe, engine: EngineChoice | undefined): Recipe {
  return engine === undefined ? recipe : { ...recipe, engine };
}

/** AdamW as a recipe sets it. */
export function optimizerConfig({ weightDecay, clip }: Pick<Recipe, 'weightDecay' | 'clip'>) {
  return { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay, clip };
}

/** The losses a recipe trains on, for vectors of width D. */
export function lossConfig(recipe: Recipe, D: number): LossConfig {
  return {
    weights: recipe.lambda,
    tau: recipe.tau,
    marginDirectional: recipe.marginDirectional,
    marginAntiCopy: recipe.marginAntiCopy,
    varianceTarget: recipe.varianceTarget === 'one' ? 1 : 1 / Math.sqrt(D),
  };
}
