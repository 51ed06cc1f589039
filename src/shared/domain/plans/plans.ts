/**
 * A plan: pieces of work in an order, each waiting for others, each with gates on its result. Declarations and rules;
 * doing the work is `main/plans`. A file may hold a template instead of the pieces (`plan-templates.ts`).
 */
import { z } from 'zod';
import { NextvecError } from '../errors.ts';
import { NameSchema } from '../names.ts';
import { figure, minimumText, signed } from '../figures.ts';
import { gateLabel } from '../recipe/gates.ts';
import { unknownFields } from '../recipe/field-names.ts';
import { ClusterAddressSchema } from '../runs/clusters.ts';
import type { MetricIntervals } from '../runs/training.ts';
import { GATE_METRICS, TrainableRecipeSchema, type GateMetric, type Recipe } from '../recipe/recipe.ts';
import { inputError, pathText } from '../issue-error.ts';
import { issueList } from '../short-text.ts';
import { SweepSpecSchema, ofOneModel, sweepProblems } from './sweeps.ts';

/** The best checkpoint of the finished run must have at least this; not measured does not pass. */
export const PlanGateSchema = z.strictObject({
  metric: z.enum(GATE_METRICS),
  /** 'low': the lower end of the metric's 95 % interval is read; absent: the metric itself. */
  bound: z.literal('low').optional(),
  minimum: z.number().min(-1).max(1),
});
export type PlanGate = z.infer<typeof PlanGateSchema>;

/** Figures a gate, a sweep and a report read off a run: of its best checkpoint. */
export type RunFigures = Readonly<Record<GateMetric, number | null>>;

/** Some fields of a recipe; data and OOD set are the plan's. A misspelt field is refused, never ignored. */
export const RecipeChangesSchema = z.record(z.string(), z.unknown()).superRefine((changes, context) => {
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  for (const { path, message } of unknownFields(changes)) refuse([...path], message);
  for (const name of ['dataset', 'ood'])
    if (name in changes) refuse([name], 'the data of a plan stand beside its items, as "data" and "ood"');
});
export type RecipeChanges = z.infer<typeof RecipeChangesSchema>;

const key = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'a key is a word of small letters, digits and hyphens');
const common = {
  key,
  /** Keys of items that must be done (or skipped) first. */
  needs: z.array(key).max(50).default([]),
  /** Is put into the queue paused: it starts once it is resumed. */
  held: z.boolean().default(false),
};

/** What the train item `of` will reach. */
export const PlanClaimSchema = z.strictObject({ of: key, ...PlanGateSchema.shape });
export type PlanClaim = z.infer<typeof PlanClaimSchema>;

export const TrainItemSchema = z.strictObject({
  ...common,
  kind: z.literal('train'),
  /** Take the recipe of this item, as it stands when this one starts, and lay `recipe` over it. */
  like: key.nullable().default(null),
  recipe: RecipeChangesSchema.default({}),
  gates: z.array(PlanGateSchema).max(20).default([]),
});

export const SweepItemSchema = z.strictObject({
  ...common,
  kind: z.literal('sweep'),
  like: key.nullable().default(null),
  recipe: RecipeChangesSchema.default({}),
  sweep: SweepSpecSchema,
});

export const ReportItemSchema = z.strictObject({
  ...common,
  kind: z.literal('report'),
  /** Train items it is about; empty: all of the plan. */
  of: z.array(key).max(50).default([]),
  /** What the plan sets out to show, stated before it trains and checked by the report. */
  claims: z.array(PlanClaimSchema).max(20).default([]),
});

export const PlanItemSchema = z.discriminatedUnion('kind', [TrainItemSchema, SweepItemSchema, ReportItemSchema]);
export type PlanItem = z.infer<typeof PlanItemSchema>;
export type TrainItem = z.infer<typeof TrainItemSchema>;
export type SweepItem = z.infer<typeof SweepItemSchema>;
export type ReportItem = z.infer<typeof ReportItemSchema>;

export const PlanSpecSchema = z
  .strictObject({
    name: NameSchema,
    /** Ids of data sets in the storage folder. */
    dataset: z.string().min(1),
    ood: z.string().min(1).nullable().default(null),
    /** Address of the cluster that its runs are sent to; null: they train here. */
    on: ClusterAddressSchema.nullable().default(null),
    items: z.array(PlanItemSchema).min(1).max(100),
  })
  .superRefine((plan, context) => {
    for (const { path, message } of planProblems(plan)) context.addIssue({ code: 'custom', path, message });
  });
export type PlanSpec = z.infer<typeof PlanSpecSchema>;
export type PlanSpecInput = z.input<typeof PlanSpecSchema>;

interface PlanShape {
  readonly dataset: string;
  readonly ood: string | null;
  readonly items: readonly PlanItem[];
}

interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

function planProblems(plan: PlanShape): Problem[] {
  const problems: Problem[] = [];
  const index = new Map<string, number>();
  plan.items.forEach((item, i) => {
    if (index.has(item.key)) problems.push({ path: ['items', i, 'key'], message: `"${item.key}" is taken already` });
    else index.set(item.key, i);
  });
  plan.items.forEach((item, i) => problems.push(...referenceProblems(plan, item, i, index)));
  // Recipes and circles are looked at once every key is known to mean something.
  if (problems.length > 0) return problems;
  plan.items.forEach((item, i) => {
    if (reaches(plan.items, item.key, item.key))
      problems.push({ path: ['items', i, 'needs'], message: `"${item.key}" waits for itself; break the circle` });
  });
  return problems.length > 0 ? problems : plan.items.flatMap((item, i) => recipeProblems(plan, item, i));
}

function referenceProblems(plan: PlanShape, item: PlanItem, i: number, index: ReadonlyMap<string, number>): Problem[] {
  const known = [...index.keys()].join(', ');
  const unknown = (name: string) => `there is no item "${name}"; the plan has ${known}`;
  const problems: Problem[] = [];
  item.needs.forEach((name, j) => {
    if (!index.has(name)) problems.push({ path: ['items', i, 'needs', j], message: unknown(name) });
  });
  if (item.kind === 'report') {
    item.of.forEach((name, j) => {
      if (!index.has(name)) problems.push({ path: ['items', i, 'of', j], message: unknown(name) });
    });
    item.claims.forEach(({ of, metric }, j) => {
      if (plan.items[index.get(of) ?? -1]?.kind !== 'train')
        problems.push({ path: ['items', i, 'claims', j, 'of'], message: `there is no training run "${of}"` });
      if (metric.startsWith('ood') && plan.ood === null)
        problems.push({ path: ['items', i, 'claims', j, 'metric'], message: 'the plan has no OOD set; give "ood"' });
    });
  } else if (item.like !== null) {
    const model = plan.items[index.get(item.like) ?? -1];
    if (model === undefined) problems.push({ path: ['items', i, 'like'], message: unknown(item.like) });
    else if (model.kind !== 'train' || index.get(item.like) === i)
      problems.push({ path: ['items', i, 'like'], message: `"${item.like}" is no training run it could be like` });
  }
  const needsOod = item.kind === 'train' ? item.gates.findIndex(({ metric }) => metric.startsWith('ood')) : -1;
  if (needsOod >= 0 && plan.ood === null)
    problems.push({ path: ['items', i, 'gates', needsOod, 'metric'], message: 'the plan has no OOD set; give "ood"' });
  return problems;
}

function dependsOn(item: PlanItem): string[] {
  const like = item.kind !== 'report' && item.like !== null ? [item.like] : [];
  return [...item.needs, ...like];
}

/** Whether `from` waits for `to`, by any number of steps. */
function reaches(items: readonly PlanItem[], from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  while (open.length > 0) {
    const item = items.find((one) => one.key === open[open.length - 1]);
    open.pop();
    for (const next of item === undefined ? [] : dependsOn(item)) {
      if (next === to) return true;
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  return false;
}

function recipeProblems(plan: PlanShape, item: PlanItem, i: number): Problem[] {
  if (item.kind === 'report') return [];
  const parsed = TrainableRecipeSchema.safeParse(draftOf(plan, item));
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => ({
      path: ['items', i, 'recipe', ...path.map((part) => (typeof part === 'number' ? part : String(part)))],
      message,
    }));
  }
  if (item.kind !== 'sweep') return [];
  const path = ['items', i, 'sweep', 'axes'];
  return sweepProblems(parsed.data, item.sweep).map((message) => ({ path, message }));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `changes` over `base`; loss weights and split field by field, everything else as a whole. */
export function layOver(base: Readonly<Record<string, unknown>>, changes: RecipeChanges): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(changes)) {
    const before = result[name];
    const merges = name !== 'schedule' && isPlainObject(before) && isPlainObject(value);
    result[name] = merges ? { ...before, ...value } : value;
  }
  return result;
}

/** When another model takes over a recipe, what only the first one can do stays behind. */
function draftOf(plan: PlanShape, item: TrainItem | SweepItem): Record<string, unknown> {
  const model = plan.items.find((one): one is TrainItem => one.kind === 'train' && one.key === item.like);
  const base: Record<string, unknown> = model ? draftOf(plan, model) : { dataset: plan.dataset, ood: plan.ood };
  const theirs = base.modelType ?? 'amn';
  const isOther = (item.recipe.modelType ?? theirs) !== theirs;
  return layOver(model && isOther ? { ...base, ...ofOneModel(item.recipe.modelType) } : base, item.recipe);
}

/** The whole recipe of an item as the plan stands now; throws BAD_RECIPE for a stored one this version refuses. */
export function itemRecipe(plan: PlanShape, item: TrainItem | SweepItem): Recipe {
  const parsed = TrainableRecipeSchema.safeParse(draftOf(plan, item));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new NextvecError('BAD_RECIPE', `The recipe of "${item.key}" cannot be trained. ${issues.join('; ')}`, {
    remedy: 'Retry it with changes, or remove the plan.',
    details: { place: item.key },
  });
}

/** As `itemRecipe`; null in its place. */
export function findItemRecipe(plan: PlanShape, item: TrainItem | SweepItem): Recipe | null {
  return TrainableRecipeSchema.safeParse(draftOf(plan, item)).data ?? null;
}

export interface GateVerdict {
  readonly passed: boolean;
  /** One sentence a gate, with figure and threshold. */
  readonly messages: readonly string[];
  /** What each gate read, in the order of the gates; null: not measured. */
  readonly values: readonly (number | null)[];
}

/** Reads every gate off the figures of a finished run. No gate: passed. */
export function judge(gates: readonly PlanGate[], figures: RunFigures, intervals?: MetricIntervals): GateVerdict {
  const readings = gates.map(({ metric, bound, minimum }) => {
    const value = bound === 'low' ? (intervals?.[metric]?.low ?? null) : figures[metric];
    const passed = value !== null && value >= minimum;
    const show = metric.endsWith('Lift') ? signed : figure;
    const what = `${gateLabel({ metric, bound })} ${show(value)}`;
    return { passed, value, message: `${what}, ${passed ? 'at least' : 'below'} ${minimumText(minimum, show)}` };
  });
  return {
    passed: readings.every(({ passed }) => passed),
    values: readings.map(({ value }) => value),
    // What failed comes first: it is what a person has to act on.
    messages: readings.toSorted((a, b) => Number(a.passed) - Number(b.passed)).map(({ message }) => message),
  };
}

/** A plan as it was read from a file (null: made by a form or by flags), or BAD_INPUT that names every bad field. */
export function parsePlan(value: unknown, file: string | null): PlanSpec {
  const parsed = PlanSpecSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badPlan(parsed.error, file);
}

export function badPlan({ issues }: z.ZodError, file: string | null): NextvecError {
  if (file === null) return inputError(issues);
  const shown = issues.map(({ path, message }) => ({ path: pathText(path) || 'the whole', message }));
  return new NextvecError('BAD_INPUT', `The plan cannot be used. ${issueList(shown)}.`, {
    remedy:
      'Correct these fields and give the plan again; nothing was stored. "nextvec plan --example" prints one that works.',
    details: { place: [file, pathText(issues[0]?.path ?? [])].filter(Boolean).join(': ') },
  });
}
