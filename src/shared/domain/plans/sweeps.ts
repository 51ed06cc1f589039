/**
 * A sweep: many recipes that differ in a few fields, each with several seeds, the hopeless ones ended early. What is
 * declared here is what a person asks for and what they get; proposing points and ending members is `engine/search`.
 */
import { z } from 'zod';
import { NextvecError } from '../errors.ts';
import { MODEL_TYPES, modelRow } from '../models/models.ts';
import { RECIPE_FIELDS, valueAt, withValue, type RecipeField } from '../recipe/recipe-fields.ts';
import { GATE_METRICS, TrainableRecipeSchema, type GateMetric, type Recipe } from '../recipe/recipe.ts';
import type { Spread } from '../spread.ts';

/** Swept separately (`seeds`) or not part of what makes a model good. */
const NOT_SWEPT = new Set(['seed', 'engine', 'threads', 'device', 'epochs']);
export const SWEPT_FIELDS: readonly RecipeField[] = RECIPE_FIELDS.filter(
  ({ path }) => !NOT_SWEPT.has(path) && !path.startsWith('split.'),
);

const path = z.string().refine((name) => SWEPT_FIELDS.some((field) => field.path === name), {
  // The checks of the whole sweep look the field up.
  abort: true,
  error: ({ input }) =>
    `"${String(input)}" cannot be swept; these can: ${SWEPT_FIELDS.map((field) => field.path).join(', ')}`,
});

export const AxisSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('range'),
      path,
      low: z.number(),
      high: z.number(),
      scale: z.enum(['linear', 'log']).default('linear'),
      /** Points on this axis in a grid. */
      steps: z.int().min(2, { abort: true }).max(100, { abort: true }).default(3),
    })
    .superRefine(({ low, high, scale }, context) => {
      if (high <= low) context.addIssue({ code: 'custom', path: ['high'], message: 'must be above "low"' });
      if (scale === 'log' && low <= 0)
        context.addIssue({ code: 'custom', path: ['low'], message: 'must be above 0 on a log scale' });
    }),
  z.strictObject({
    kind: z.literal('values'),
    path,
    /** In a grid, a value given twice ("1e-3,0.001") counts once. */
    values: z
      .array(z.union([z.number(), z.string()]))
      .min(2)
      .max(50),
  }),
]);
export type Axis = z.infer<typeof AxisSchema>;

export const SWEEP_METHODS = ['grid', 'random', 'tpe'] as const;
export type SweepMethod = (typeof SWEEP_METHODS)[number];

export const SWEEP_METHOD_LABELS: Readonly<Record<SweepMethod, string>> = {
  grid: 'Grid',
  random: 'Random',
  tpe: 'TPE (learns from its results)',
};

export const SweepSpecSchema = z
  .strictObject({
    axes: z.array(AxisSchema).min(1).max(8),
    method: z.enum(SWEEP_METHODS).default('tpe'),
    /** Recipes tried beside the plain one; a grid has as many as its points. */
    members: z.int().min(2).max(500).default(12),
    /** Runs of each member: the recipe's seed and the ones after it, the same for all members. */
    seeds: z.int().min(1).max(20).default(3),
    /** What is made as large as possible, as the mean over the seeds. */
    objective: z.enum(GATE_METRICS).default('valLift'),
    halving: z
      .strictObject({
        /** One in so many goes on to so many times as many epochs. */
        eta: z.int().min(2).max(10).default(3),
        firstEpochs: z.int().min(1),
      })
      .nullable()
      .default(null),
  })
  .superRefine(({ axes, method }, context) => {
    axes.forEach((axis, i) => {
      if (axes.findIndex((other) => other.path === axis.path) < i)
        context.addIssue({ code: 'custom', path: ['axes', i, 'path'], message: `"${axis.path}" is varied already` });
    });
    const points = gridSize(axes);
    if (method === 'grid' && points > 500)
      context.addIssue({ code: 'custom', path: ['axes'], message: `the grid has ${points} points; at most 500` });
  });
export type SweepSpec = z.infer<typeof SweepSpecSchema>;
export type SweepSpecInput = z.input<typeof SweepSpecSchema>;

export type AxisValue = number | string;
/** One value an axis, by path. */
export type Point = Readonly<Record<string, AxisValue>>;

/** Significant digits of a value between the ends of a range: a learning rate a person can read and type. */
const DIGITS = 6;

/** The value at `u` (0..1) of an axis: on its scale, whole where the field is, one of the values where they are listed. */
export function valueOn(axis: Axis, u: number): AxisValue {
  if (axis.kind === 'values') return axis.values[Math.min(axis.values.length - 1, Math.floor(u * axis.values.length))];
  const { low, high, scale } = axis;
  const raw = scale === 'log' ? Math.exp(Math.log(low) + u * Math.log(high / low)) : low + u * (high - low);
  const isWhole = fieldOf(axis.path).kind === 'integer';
  const value = isWhole ? Math.round(raw) : Number(raw.toPrecision(DIGITS));
  return Math.min(high, Math.max(low, value));
}

/** Values of an axis in a grid, each once: steps of a short range of whole numbers fall together. */
function gridValues(axis: Axis): AxisValue[] {
  if (axis.kind === 'values') return [...new Set(axis.values)];
  return [...new Set(Array.from({ length: axis.steps }, (_, i) => valueOn(axis, i / (axis.steps - 1))))];
}

export function gridSize(axes: readonly Axis[]): number {
  return axes.reduce((product, axis) => product * gridValues(axis).length, 1);
}

/**
 * Method where none is given: the grid where only listed values vary and all its points fit in `members`, else TPE, which may
 * repeat points.
 */
export function defaultMethod(axes: readonly Axis[], members: number): SweepMethod {
  return axes.every(({ kind }) => kind === 'values') && gridSize(axes) <= members ? 'grid' : 'tpe';
}

/** Point `index` of the full grid, the last axis running fastest. */
export function gridPoint(axes: readonly Axis[], index: number): Point {
  const point: Record<string, AxisValue> = {};
  let rest = index;
  for (const axis of axes.toReversed()) {
    const values = gridValues(axis);
    point[axis.path] = values[rest % values.length];
    rest = Math.floor(rest / values.length);
  }
  return point;
}

/** All points of the full grid. */
function gridPoints(axes: readonly Axis[]): Point[] {
  return Array.from({ length: gridSize(axes) }, (_, i) => gridPoint(axes, i));
}

function isSamePoint(a: Point, b: Point): boolean {
  return Object.entries(a).every(([path, value]) => b[path] === value);
}

/** The first point of the grid that no member has, the plain recipe (member 0) included; undefined: all are tried. */
export function nextGridPoint(axes: readonly Axis[], tried: readonly Point[]): Point | undefined {
  return gridPoints(axes).find((point) => !tried.some((one) => isSamePoint(one, point)));
}

/** Recipes tried beside the plain one, whose point is `plain`: a grid that holds it does not train it twice. */
export function memberCount({ method, axes, members }: SweepSpec, plain: Point): number {
  if (method !== 'grid') return members;
  return gridPoints(axes).filter((point) => !isSamePoint(point, plain)).length;
}

export function fieldOf(path: string): RecipeField {
  const field = RECIPE_FIELDS.find((one) => one.path === path);
  if (field === undefined) throw new Error(`There is no recipe field "${path}"`);
  return field;
}

/** What only fits the model it was written for, with what stands in its place for a model of `type`. */
export function ofOneModel(type: unknown): Partial<Recipe> {
  const own = { skip: 'mean', start: 'random', initFrom: null, sizes: null } as const;
  const isFitted = MODEL_TYPES.some((one) => one === type && modelRow(one).training === 'fit');
  return isFitted ? { ...own, inputs: 'absolute', augment: { isometry: 0 } } : { ...own, parts: [] };
}

/** The base recipe with the point's values, not yet validated. */
function draftAt(base: Recipe, point: Point, seed: number): Recipe {
  const isOther = (point.modelType ?? base.modelType) !== base.modelType;
  let draft: Recipe = { ...base, ...(isOther ? ofOneModel(point.modelType) : {}), seed };
  for (const [where, value] of Object.entries(point)) draft = withValue(draft, where, value);
  return draft;
}

/** The base recipe with the point's values; throws BAD_RECIPE where no recipe can have them. */
export function recipeAt(base: Recipe, point: Point, seed: number): Recipe {
  const parsed = TrainableRecipeSchema.safeParse(draftAt(base, point, seed));
  if (parsed.success) return parsed.data;
  throw new NextvecError('BAD_RECIPE', `${pointProblems(point, parsed.error).join('. ')}.`);
}

/** "lr=-1: Too small" where one value is at fault, else with the whole point. */
function pointProblems(point: Point, error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const field = issue.path.join('.');
    const values = field in point ? { [field]: point[field] } : point;
    const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    return `${words.join(', ')}: ${issue.message.replace(/\.$/, '')}`;
  });
}

/** First and last of a range, or all listed values, the largest last. */
function outerValues(axis: Axis): AxisValue[] {
  return axis.kind === 'range' ? [axis.low, axis.high] : axis.values.toSorted((a, b) => Number(a) - Number(b));
}

/**
 * Points that show whether the members of a sweep will be recipes: every range end and listed value, with the other axes
 * at their largest (a loss weight may be 0 where another is not), and all points of a grid.
 */
function pointsToCheck({ axes, method }: SweepSpec): Point[] {
  const largest = Object.fromEntries(axes.map((axis) => [axis.path, outerValues(axis).at(-1) ?? 0]));
  const outer = axes.flatMap((axis) => outerValues(axis).map((value) => ({ ...largest, [axis.path]: value })));
  const grid = method === 'grid' ? gridPoints(axes) : [];
  return [...outer, ...grid];
}

const MOST_PROBLEMS = 5;

/** Values of a sweep that no recipe can have, one sentence each; at most five. */
export function sweepProblems(base: Recipe, sweep: SweepSpec): string[] {
  const problems = new Set<string>();
  for (const point of pointsToCheck(sweep)) {
    const parsed = TrainableRecipeSchema.safeParse(draftAt(base, point, base.seed));
    if (!parsed.success) for (const problem of pointProblems(point, parsed.error)) problems.add(problem);
    if (problems.size >= MOST_PROBLEMS) break;
  }
  return [...problems].slice(0, MOST_PROBLEMS);
}

/** The plain recipe's own values on the axes. */
export function plainPoint(base: Recipe, axes: readonly Axis[]): Point {
  return Object.fromEntries(axes.map((axis) => [axis.path, valueAt(base, axis.path) as AxisValue]));
}

/** Epochs after which members are compared, the last one the recipe's own. */
export function rungs(epochs: number, halving: SweepSpec['halving']): number[] {
  const levels: number[] = [];
  if (halving !== null) for (let e = halving.firstEpochs; e < epochs; e *= halving.eta) levels.push(e);
  return [...levels, epochs];
}

/** A member as it stands: its point, and its figures at the highest rung all its seeds have reached. */
export interface MemberResult {
  readonly member: number;
  readonly point: Point;
  /** Epochs at which the figures were read; 0 before the first. */
  readonly epochs: number;
  readonly figures: Readonly<Record<GateMetric, Spread | null>>;
}

/** The best by the objective among the members trained longest; null before there is one. The plain recipe is member 0. */
export function winnerOf<R extends MemberResult>(members: readonly R[], objective: GateMetric): R | null {
  const longest = Math.max(0, ...members.map(({ epochs }) => epochs));
  const ranked = members
    .filter((member) => member.epochs === longest && member.figures[objective] !== null)
    .toSorted((a, b) => (b.figures[objective]?.mean ?? 0) - (a.figures[objective]?.mean ?? 0));
  return longest === 0 ? null : (ranked[0] ?? null);
}
