/** Names of recipe fields as a person or another program writes them: unknown ones are refused with the nearest known one. */
import { z } from 'zod';
import { TERMS } from '../models/terms.ts';
import { RECIPE_FIELDS } from './recipe-fields.ts';
import {
  EarlyStoppingSchema,
  GateSchema,
  GramSettingsSchema,
  MODEL_SIZES,
  RecipeSchema,
  ScheduleSchema,
  SplitSchema,
  type RecipeInput,
} from './recipe.ts';

export const RECIPE_KEYS: readonly string[] = Object.keys(RecipeSchema.shape);

/** Fields of the fields that are objects. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  lambda: TERMS,
  sizes: MODEL_SIZES,
  gram: Object.keys(GramSettingsSchema.shape),
  augment: ['isometry'],
  split: Object.keys(SplitSchema.shape),
  schedule: [...new Set(ScheduleSchema.options.flatMap(({ shape }) => Object.keys(shape)))],
  earlyStopping: Object.keys(EarlyStoppingSchema.shape),
};

const GATE_KEYS: readonly string[] = Object.keys(GateSchema.shape);

/** Field by each of its names: path, label, flag, and the name inside its object. */
const NAMES: ReadonlyMap<string, string> = new Map(
  [
    ...RECIPE_KEYS.map((key) => [key, key]),
    ...Object.entries(PARTS).flatMap(([key, parts]) => parts.map((part) => [part, `${key}.${part}`])),
    ...RECIPE_FIELDS.flatMap(({ path, label, flag }) => [path, label, flag].map((name) => [name, path])),
  ].map(([name, path]): [string, string] => [plain(name), path]),
);

export interface UnknownField {
  readonly path: readonly string[];
  readonly message: string;
}

/** Fields of a recipe, or of a part of one, that no recipe has. Values are not looked at. */
export function unknownFields(draft: Readonly<Record<string, unknown>>): UnknownField[] {
  return Object.entries(draft).flatMap(([key, value]): UnknownField[] => {
    if (!RECIPE_KEYS.includes(key)) return [{ path: [key], message: unknownField(key, RECIPE_KEYS) }];
    if (key === 'gates' && Array.isArray(value))
      return value.flatMap((gate: unknown, i) => unknownParts([key, String(i)], gate, GATE_KEYS));
    return unknownParts([key], value, PARTS[key]);
  });
}

function unknownParts(at: readonly string[], value: unknown, known: readonly string[] | undefined): UnknownField[] {
  if (known === undefined || typeof value !== 'object' || value === null) return [];
  const unknown = Object.keys(value).filter((part) => !known.includes(part));
  const own = known.map((part) => [plain(part), [...at, part].join('.')] as const);
  return unknown.map((part) => ({ path: [...at, part], message: unknownField(part, known, own) }));
}

/** Lists the known names where they are few. */
const MOST_LISTED = 10;

/** `own`: fields of the object that the unknown one stands in, which are looked at first. */
function unknownField(name: string, known: readonly string[], own: Iterable<FieldName> = []): string {
  const meant = nearestOf(own, name) ?? nearestField(name);
  const hint = meant === null ? `there are ${known.join(', ')}` : `write "${meant}"`;
  return meant === null && known.length > MOST_LISTED ? 'there is no such field' : `there is no such field; ${hint}`;
}

/** Path of the field whose name is the nearest: at most a third of the letters differ. null: none is near. */
export function nearestField(name: string): string | null {
  return NAMES.get(plain(name)) ?? nearestOf(NAMES, name);
}

/** A name in lower case, and the path of its field. */
type FieldName = readonly [name: string, path: string];

function nearestOf(names: Iterable<FieldName>, name: string): string | null {
  const wanted = plain(name);
  let best: { path: string | null; distance: number } = { path: null, distance: Math.floor(wanted.length / 3) + 1 };
  for (const [known, path] of names) {
    // Fewer edits than the difference in length are impossible; names of a hostile file may be long.
    if (Math.abs(known.length - wanted.length) >= best.distance) continue;
    const distance = editDistance(wanted, known);
    if (distance < best.distance) best = { path, distance };
  }
  return best.path;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-zλτ]/g, '');
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

/** A recipe as a caller gives it: like `RecipeSchema`, but fields that no recipe has are refused instead of dropped. */
export const GivenRecipeSchema = z
  .custom<RecipeInput>((draft) => typeof draft === 'object' && draft !== null, { error: 'It is no recipe.' })
  .superRefine((draft, context) => {
    for (const { path, message } of unknownFields(draft))
      context.addIssue({ code: 'custom', path: [...path], message });
  })
  .pipe(RecipeSchema);
