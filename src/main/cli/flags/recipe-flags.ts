/** The flags of `train`: one for each recipe field, from the same table as the form. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { parseGate, parseSchedule, parseSizes } from '#shared/domain/recipe/command-line.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { PRESETS } from '#shared/domain/recipe/presets.ts';
import {
  defaultAt,
  fieldNumber,
  RECIPE_FIELDS,
  withValue,
  type RecipeField,
} from '#shared/domain/recipe/recipe-fields.ts';
import { parseRecipeFile, type RecipeFile } from '#shared/domain/recipe/recipe-file.ts';
import { GateSchema, TrainableRecipeSchema, type Gate, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { readJsonFile } from '../../formats/files/json-file.ts';

const SPECIAL_FLAGS = ['gate', 'gates', 'schedule', 'sizes', 'initFrom', 'part'] as const;

const WORDS = { choice: 'NAME', integer: 'N', number: 'X', articles: 'LIST' } as const;

export type FlagValues = Readonly<Record<string, unknown>>;

/** "--lambda-info" → "lambdaInfo", the name commander stores a value under. */
function storedName(flag: string): string {
  return flag.slice(2).replaceAll(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
}

function readNumber(field: RecipeField, word: string): number {
  const value = fieldNumber(field, word);
  if (Number.isFinite(value)) return value;
  const wanted = field.wordPrefix === undefined ? 'a number' : `${field.wordPrefix}NUMBER`;
  throw new NextvecError('BAD_RECIPE', `${field.flag} needs ${wanted}, not "${word}".`);
}

/** Other trainers write cuda:0, gpu or auto; only the kind matters here. */
function readDevice(word: string): string | null {
  if (word === 'auto') return null;
  return word.replace(/:\d+$/, '').replace(/^gpu$/, 'cuda');
}

function readValue(field: RecipeField, word: string): unknown {
  if (field.path === 'device') return readDevice(word);
  return field.kind === 'choice' || field.kind === 'articles' ? word : readNumber(field, word);
}

function describe(field: RecipeField): string {
  const fallback = defaultAt(field.path) ?? null;
  const choices = field.choices ? ` (${field.choices.join('|')})` : '';
  return `${field.help}${choices}${fallback === null ? '' : ` [${String(fallback)}]`}`;
}

export function addRecipeFlags(command: Command): Command {
  for (const field of RECIPE_FIELDS) {
    command.addOption(new Option(`${field.flag} <${field.wordPrefix ?? ''}${WORDS[field.kind]}>`, describe(field)));
  }
  const presets = new Option('--preset <NAME>', 'start from a preset of the form; other flags override it');
  return command
    .addOption(presets.choices(PRESETS.map(({ id }) => id)))
    .option('--recipe <FILE>', 'JSON file of a recipe (nextvec export --format recipe); other flags change it')
    .option('--init-from <RUN|FILE>', 'start from the weights of a run, or of a safetensors, .pt or .npz file')
    .option(
      '--part <RUN...>',
      'Gram mixture only: a finished run whose model is a further part, at three times its training; may be repeated',
    )
    .option('--centre', 'the same as --inputs centred')
    .option('--sizes <S>', 'sizes of the model, e.g. dModel=128,hiddenDim=256', undefined)
    .option(
      '--schedule <S>',
      'constant, plateau:factor:patience:threshold, or cosine:WARM-UP EPOCHS:part of the rate at the end',
      undefined,
    )
    .option(
      '--gate <G...>',
      'epoch:metric:threshold:action, e.g. 3:valLift:0.01:stop; metric.low: the lower end of its interval',
      undefined,
    )
    .option('--gates <FILE>', 'JSON file with a list of gates {epoch, metric, threshold, action}', undefined);
}

function readGateFile(path: string): Gate[] {
  const content = readJsonFile(path, 'BAD_RECIPE');
  const parsed = z.union([z.array(GateSchema), z.object({ gates: z.array(GateSchema) })]).safeParse(content);
  if (!parsed.success) {
    throw new NextvecError('BAD_RECIPE', `${path} does not hold a list of gates.`, {
      remedy: 'Each gate is {"epoch": 3, "metric": "valLift", "threshold": 0.01, "action": "stop"}.',
    });
  }
  return Array.isArray(parsed.data) ? parsed.data : parsed.data.gates;
}

/** The file of `--recipe`; throws BAD_RECIPE where it is none. */
export function readRecipeFile(path: string): RecipeFile {
  return parseRecipeFile(readJsonFile(path, 'BAD_RECIPE'), path);
}

/** Only the fields that a file, a preset or flags were given for; throws BAD_RECIPE where a word cannot be read. */
export function readChanges(values: FlagValues): Record<string, unknown> {
  const file = typeof values.recipe === 'string' ? readRecipeFile(values.recipe) : null;
  const { dataset: _dataset, ood: _ood, ...fromFile } = file?.recipe ?? {};
  const preset = PRESETS.find(({ id }) => id === values.preset);
  let draft: Record<string, unknown> = { ...fromFile, ...preset?.changes };
  for (const field of RECIPE_FIELDS) {
    const word = values[storedName(field.flag)];
    if (typeof word === 'string') draft = withValue(draft, field.path, readValue(field, word));
  }
  if (values.centre === true) {
    if (typeof values.inputs === 'string' && values.inputs !== 'centred')
      throw new NextvecError('BAD_RECIPE', `--centre asks for centred inputs, --inputs for ${values.inputs} ones.`, {
        remedy: 'Give one of the two.',
        details: { place: 'inputs' },
      });
    draft.inputs = 'centred';
  }
  const [gateWords, gatesFile, schedule, sizes, initFrom, parts] = SPECIAL_FLAGS.map((name) => values[name]);
  if (typeof schedule === 'string') draft.schedule = parseSchedule(schedule);
  if (typeof sizes === 'string') draft.sizes = parseSizes(sizes);
  if (typeof initFrom === 'string') draft.initFrom = existsSync(initFrom) ? resolve(initFrom) : initFrom;
  if (Array.isArray(parts)) draft.parts = parts;
  const gates = [
    ...(typeof gatesFile === 'string' ? readGateFile(gatesFile) : []),
    ...(Array.isArray(gateWords) ? gateWords.map((word) => parseGate(String(word))) : []),
  ];
  return gates.length > 0 ? { ...draft, gates } : draft;
}

/** The recipe that the flags describe; throws BAD_RECIPE or a ZodError that names each bad field. */
export function readRecipe(values: FlagValues, dataset: string, ood: string | null): Recipe {
  return TrainableRecipeSchema.parse({ ...readChanges(values), dataset, ood });
}
