/**
 * What a checkpoint's args and history say, in this program's words: a recipe and epoch records. Trainers differ in how
 * they write it, so every figure is optional; what is not there stays null.
 */
import { RECIPE_FIELDS, withValue } from '#shared/domain/recipe/recipe-fields.ts';
import { NO_DATASET, RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { byTerm } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED, type EpochRecord } from '#shared/domain/runs/training.ts';
import type { Plain } from '../formats/pickle/plain.ts';

export type PlainDict = Readonly<Record<string, Plain>>;

function isDict(value: Plain | undefined): value is { [key: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first of these keys that holds a dict. */
export function dictAt(rest: PlainDict, ...keys: string[]): PlainDict {
  for (const key of keys) {
    const value = rest[key];
    if (isDict(value)) return value;
  }
  return {};
}

export function numberAt(rest: PlainDict, ...keys: string[]): number | null {
  for (const key of keys) {
    const value = rest[key];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return null;
}

/** A count that names a size, e.g. the context length; undefined where there is none. */
export function sizeAt(rest: PlainDict, ...keys: string[]): number | undefined {
  const value = numberAt(rest, ...keys);
  return value !== null && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** A recipe from a trainer's arguments; values it cannot have had here are left at their default and named. */
export function recipeFromArgs(args: PlainDict): { recipe: Recipe; left: string[] } {
  let recipe: Recipe = RecipeSchema.parse({ dataset: NO_DATASET });
  const left: string[] = [];
  for (const { flag, path } of RECIPE_FIELDS) {
    const value = args[flag.slice(2).replaceAll('-', '_')];
    if (value === undefined || value === null) continue;
    const next = RecipeSchema.safeParse(withValue(recipe, path, value));
    if (next.success) recipe = next.data;
    else left.push(`${flag} ${String(value)}`);
  }
  return { recipe, left };
}

const FIGURES = {
  trainLoss: ['train_loss', 'train_losses', 'loss'],
  trainCosine: ['train_cosine', 'train_cos', 'train_cosine_sim'],
  valLoss: ['val_loss', 'val_losses', 'valid_loss'],
  valCosine: ['val_cosine', 'val_cos', 'val_cosine_sim', 'val_cosines'],
  oodLoss: ['ood_loss'],
  oodCosine: ['ood_cosine', 'ood_cos'],
  lr: ['lr', 'lrs', 'learning_rate'],
  gradNorm: ['grad_norm'],
  durationMs: ['duration_ms'],
} as const;
type Figure = keyof typeof FIGURES;
type Row = Readonly<Record<Figure, number | null>> & { readonly epoch: number };

/** History as a dict of lists or a list of dicts, one entry an epoch. Empty: none that is understood. */
export function epochsOf(history: Plain | undefined): EpochRecord[] {
  const rows = Array.isArray(history) ? rowsOfList(history) : isDict(history) ? rowsOfDict(history) : [];
  const known = rows.filter((row) => Object.keys(FIGURES).some((name) => row[name as Figure] !== null));
  let lowest = Number.POSITIVE_INFINITY;
  return known.map((row) => {
    const rank = row.valLoss ?? (row.valCosine === null ? null : -row.valCosine);
    const isBest = rank !== null && rank < lowest;
    if (isBest) lowest = rank;
    return record(row, isBest);
  });
}

function rowsOfList(history: readonly Plain[]): Row[] {
  return history.filter(isDict).map((entry, i) => rowOf(i, (keys) => numberAt(entry, ...keys), entry.epoch));
}

function rowsOfDict(history: PlainDict): Row[] {
  const lists = Object.entries(history).filter((entry): entry is [string, Plain[]] => Array.isArray(entry[1]));
  const length = Math.max(0, ...lists.map(([, list]) => list.length));
  const columns = Object.fromEntries(lists);
  return Array.from({ length }, (_, i) =>
    rowOf(i, (keys) => {
      const key = keys.find((name) => columns[name] !== undefined);
      const value = key === undefined ? null : columns[key][i];
      return typeof value === 'number' && Number.isFinite(value) ? value : null;
    }),
  );
}

function rowOf(i: number, read: (keys: readonly string[]) => number | null, epoch: Plain = null): Row {
  const figures = Object.fromEntries(Object.entries(FIGURES).map(([name, keys]) => [name, read(keys)]));
  return { ...(figures as Record<Figure, number | null>), epoch: Number.isInteger(epoch) ? Number(epoch) : i + 1 };
}

function record(row: Row, isBest: boolean): EpochRecord {
  return {
    type: 'epoch',
    ...row,
    step: 0,
    rowsPerSecond: null,
    terms: byTerm(() => TERM_NOT_MEASURED),
    partGradNorms: byTerm(() => null),
    diversity: { predictions: null, targets: null },
    effectiveRank: { predictions: null, targets: null },
    nonFiniteRows: 0,
    isBest,
    baselines: {},
  };
}
