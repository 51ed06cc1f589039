/**
 * A recipe as a command line and back. The text can be pasted into a shell or into the form;
 * flags of other trainers for the same models work unchanged.
 */
import type { Passport } from '../datasets/passport.ts';
import { isSameTask, taskOf, USUAL_TASK } from '../datasets/task.ts';
import { NextvecError } from '../errors.ts';
import { SAMPLE_WORD } from '../names.ts';
import { RECIPE_FIELDS, defaultAt, fieldValue, fieldWord, valueAt, withValue } from './recipe-fields.ts';
import {
  GateSchema,
  MODEL_SIZES,
  RecipeSchema,
  SizesSchema,
  TrainableRecipeSchema,
  type Gate,
  type Recipe,
  type Schedule,
  type Sizes,
} from './recipe.ts';

/** Quotes one word for a POSIX shell when it needs it. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** One gate as a word, e.g. "3:valCosine:0.48:stop". */
export function formatGate(gate: Gate): string {
  const metric = gate.bound === undefined ? gate.metric : `${gate.metric}.${gate.bound}`;
  return [gate.epoch, metric, gate.threshold, gate.action].join(':');
}

/** "valLift", or "valLift.low" for the lower end of its interval, as a gate's fields; not yet validated. */
export function readGateMetric(word: string): { metric: string; bound?: string } {
  const [metric, bound] = word.split('.');
  return bound === undefined ? { metric } : { metric, bound };
}

/** Reads "epoch:metric:threshold:action"; throws a ZodError where a part is wrong. */
export function parseGate(word: string): Gate {
  const [epoch, metric, threshold, action] = word.split(':');
  return GateSchema.parse({
    epoch: epoch === 'end' ? 'end' : Number(epoch),
    ...readGateMetric(metric ?? ''),
    threshold: Number(threshold),
    action,
  });
}

/** "constant", "plateau:factor:patience:threshold" or "cosine:warmUp:floor". */
function formatSchedule(schedule: Schedule): string {
  if (schedule.kind === 'constant') return 'constant';
  if (schedule.kind === 'cosine') return ['cosine', schedule.warmUp, schedule.floor].join(':');
  return ['plateau', schedule.factor, schedule.patience, schedule.threshold].join(':');
}

/** Reads what `formatSchedule` wrote; parts left out take their defaults. */
export function parseSchedule(word: string): Schedule {
  const [kind, ...numbers] = word.split(':');
  const [first, second, third] = numbers.map(Number);
  const schedule =
    kind === 'cosine'
      ? { kind, warmUp: first, floor: second }
      : { kind, factor: first, patience: second, threshold: third };
  // In an object, so that an issue names the field of the recipe.
  return RecipeSchema.pick({ schedule: true }).parse({ schedule }).schedule;
}

/** Sizes as a word, e.g. "dModel=128,heads=4". */
function formatSizes(sizes: Sizes): string {
  return Object.entries(sizes)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** Reads what `formatSizes` wrote; throws BAD_RECIPE for a name that no model has, a ZodError for a value out of range. */
export function parseSizes(word: string): Sizes {
  return SizesSchema.parse(
    Object.fromEntries(
      word.split(',').map((part) => {
        const [name, value] = part.split('=').map((text) => text.trim());
        if (!MODEL_SIZES.some((size) => size === name))
          throw new NextvecError('BAD_RECIPE', `No model has a size "${name}".`, {
            remedy: `Sizes: ${MODEL_SIZES.join(', ')}.`,
            details: { place: 'sizes' },
          });
        return [name, Number(value)];
      }),
    ),
  );
}

export interface RecipeFiles {
  readonly data: string;
  readonly ood: string | null;
}

export interface NamedData {
  readonly isSample: boolean;
  readonly sourcePath: string;
  readonly name: string;
  readonly passport: Pick<Passport, 'kind' | 'T' | 'history'>;
}

/**
 * How a command line names a data set: the file it came from, or the word for the bundled sample; by its name where a file
 * alone would be imported with other windows.
 */
export function dataWord({ isSample, sourcePath, name, passport }: NamedData): string {
  if (isSample) return SAMPLE_WORD;
  const isUsual = passport.kind === 'windows' || isSameTask(taskOf(passport), USUAL_TASK);
  return isUsual ? sourcePath : name;
}

/** `nextvec train …` with data, model, epochs and every field that is not at its default. */
export function commandLine(recipe: Recipe, files: RecipeFiles): string {
  const words = ['nextvec', 'train', '--data', files.data];
  if (files.ood !== null) words.push('--ood', files.ood);
  const always = new Set(['modelType', 'epochs', 'lambda.mse']);
  for (const field of RECIPE_FIELDS) {
    const value = valueAt(recipe, field.path);
    if (value === null || value === undefined) continue;
    if (always.has(field.path) || value !== defaultAt(field.path)) words.push(field.flag, fieldWord(field, value));
  }
  const schedule = formatSchedule(recipe.schedule);
  if (schedule !== formatSchedule(defaultAt('schedule'))) words.push('--schedule', schedule);
  if (recipe.sizes) words.push('--sizes', formatSizes(recipe.sizes));
  if (recipe.initFrom) words.push('--init-from', recipe.initFrom);
  for (const part of recipe.parts) words.push('--part', part);
  for (const gate of recipe.gates) words.push('--gate', formatGate(gate));
  return words.map(shellQuote).join(' ');
}

/** Splits a pasted command line into words: quotes and backslashes as a shell does, continuation lines joined. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const pattern = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\\r?\n|\\(.)|(\s+)|([^\s'"\\]+)/gsu;
  let word: string | null = null;
  for (const [all, single, double, escaped, space, plain] of text.matchAll(pattern)) {
    if (space !== undefined || /^\\\r?\n$/.test(all)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + (single ?? double?.replaceAll(/\\(.)/gsu, '$1') ?? escaped ?? plain ?? '');
  }
  if (word !== null) words.push(word);
  return words;
}

export interface ParsedCommandLine {
  /** Fields the words set, by path; not yet validated together. */
  readonly changes: ReadonlyMap<string, unknown>;
  readonly data: string | null;
  readonly ood: string | null;
  /** Flags that mean nothing here, to be shown. */
  readonly unknown: readonly string[];
}

/** Reads the flags of a trainer's command line, whatever program stands in front of them. */
export function parseCommandLine(text: string): ParsedCommandLine {
  const words = splitWords(text).flatMap((word) => {
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    return equals > 0 ? [word.slice(0, equals), word.slice(equals + 1)] : [word];
  });
  const changes = new Map<string, unknown>();
  const gates: Gate[] = [];
  const parts: string[] = [];
  const unknown: string[] = [];
  let data: string | null = null;
  let ood: string | null = null;
  for (let i = 0; i < words.length; i++) {
    const flag = words[i];
    if (!flag.startsWith('--')) continue;
    const next = words[i + 1];
    const value = next !== undefined && !next.startsWith('--') ? next : null;
    const field = RECIPE_FIELDS.find((f) => f.flag === flag);
    if (flag === '--data') data = value;
    else if (flag === '--ood') ood = value;
    else if (field && value !== null) changes.set(field.path, fieldValue(field, value));
    else if (flag === '--schedule' && value !== null) changes.set('schedule', parseSchedule(value));
    else if (flag === '--sizes' && value !== null) changes.set('sizes', parseSizes(value));
    else if (flag === '--init-from' && value !== null) changes.set('initFrom', value);
    else if (flag === '--part' && value !== null) parts.push(value);
    else if (flag === '--centre') changes.set('inputs', 'centred');
    else if (flag === '--gate' && value !== null) gates.push(parseGate(value));
    else if (flag !== '--output-dir' && flag !== '--name' && flag !== '--tag') unknown.push(flag);
  }
  if (gates.length > 0) changes.set('gates', gates);
  if (parts.length > 0) changes.set('parts', parts);
  return { changes, data, ood, unknown };
}

/** Applies parsed fields to a recipe and validates the whole; throws a ZodError that names each bad field. */
export function applyChanges(recipe: Recipe, changes: ReadonlyMap<string, unknown>): Recipe {
  let next: Recipe = recipe;
  for (const [path, value] of changes) next = withValue(next, path, value);
  return TrainableRecipeSchema.parse(next);
}
