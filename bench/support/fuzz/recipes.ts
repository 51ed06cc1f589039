/**
 * Recipes with hostile fields, sizes and unknown keys: as flags of `train`, as a file of `--recipe` and of `plan`, and over
 * `runs.preflight`, `runs.readRecipeFile`, `runs.parseCommandLine` and `plans.create`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '#engine/random.ts';
import { PRESETS } from '#shared/domain/recipe/presets.ts';
import { RECIPE_FIELDS, defaultAt } from '#shared/domain/recipe/recipe-fields.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { openVictim, type Victim } from './calls.ts';
import { callOutcome, commandOutcome } from './doors.ts';
import { chance, hostileNumber, hostileText, pick } from './hostile.ts';
import { mutateJson } from './json.ts';
import type { FuzzTarget } from './target.ts';

const UNKNOWN_KEYS = ['learning_rate', 'batch_size', 'Lr', 'lambda.mse', 'dependencies', 'x'.repeat(5000), '__proto__'];
const SIZES = [
  'dModel=16,heads=3',
  'dModel=16,heads=4',
  'hiddenDim=64',
  'dModel',
  'dModel=',
  '=',
  'heads=0',
  'a=1,a=2',
];
const SCHEDULES = ['constant', 'plateau:0.5:3:1e-4', 'plateau:2', 'plateau::::::', ':'];
const GATES = ['3:valLift:0.01:stop', 'end:oodCosine:0.4:warn', '0:valLift:0:stop', '3:valLift', ':::'];

function flag(random: Random): string {
  const special = pick(random, [
    ['--sizes', SIZES],
    ['--schedule', SCHEDULES],
    ['--gate', GATES],
    ['--preset', PRESETS.map(({ id }) => id)],
  ] as const);
  if (chance(random, 0.3))
    return `${special[0]}=${chance(random, 0.8) ? pick(random, special[1]) : hostileText(random)}`;
  const field = pick(random, RECIPE_FIELDS);
  const whole = field.choices ?? [String(defaultAt(field.path) ?? 1)];
  const odd = chance(random, 0.7) ? hostileNumber(random) : hostileText(random);
  return `${field.flag}=${chance(random, 0.7) ? pick(random, whole) : odd}`;
}

/** One to three flags of `train`. */
export function recipeFlags(random: Random): string[] {
  return Array.from({ length: 1 + random.integer(3) }, () => flag(random));
}

/** A recipe with damaged fields; one in three has keys that no recipe has, one in twenty three thousand of them. */
function oddRecipe(whole: Recipe, random: Random, seed: number): Recipe {
  const sizes = chance(random, 0.3) ? { dModel: random.integer(64), heads: random.integer(9) } : null;
  const recipe = { ...whole, sizes, modelType: pick(random, ['amn', 'gru', 'transformer'] as const) };
  if (chance(random, 0.3)) return recipe;
  const extra = Array.from({ length: chance(random, 0.05) ? 3000 : random.integer(2) }, (_, i): [string, unknown] => [
    `${pick(random, UNKNOWN_KEYS)}${i}`,
    hostileNumber(random),
  ]);
  return { ...(mutateJson(recipe, seed) as Recipe), ...Object.fromEntries(extra) };
}

async function byCall({ nextvec: { client }, dataset }: Victim, path: string, seed: number): Promise<string> {
  const random = new Random(seed * 16_807 + 5);
  const whole = RecipeSchema.parse({ dataset, batchSize: 4 });
  const recipe = oddRecipe(whole, random, seed);
  switch (random.integer(4)) {
    case 0:
      return callOutcome(() => client.runs.preflight({ recipe }));
    case 1: {
      writeFileSync(path, JSON.stringify(recipe));
      return callOutcome(() => client.runs.readRecipeFile({ path, base: whole }));
    }
    case 2: {
      const text = `train.py ${recipeFlags(random).join(' ')}`;
      return callOutcome(() => client.runs.parseCommandLine({ text, base: whole }));
    }
    default: {
      const { dataset: _dataset, ood: _ood, ...changes } = recipe;
      const items = [{ key: 'train', kind: 'train' as const, recipe: changes }];
      return callOutcome(async () => {
        const { id } = await client.plans.create({ name: 'fuzz', dataset, items });
        await client.plans.remove({ planId: id });
      });
    }
  }
}

async function byCommand(path: string, seed: number): Promise<string> {
  const random = new Random(seed * 16_807 + 7);
  const words = ['train', '--data=x', ...recipeFlags(random)];
  if (chance(random, 0.5)) return commandOutcome(words);
  const recipe = oddRecipe(RecipeSchema.parse({ dataset: '-' }), random, seed);
  const { dataset: _dataset, ood: _ood, ...changes } = recipe;
  const items = [{ key: 'train', kind: 'train', recipe: changes }];
  const isPlan = chance(random, 0.3);
  writeFileSync(path, JSON.stringify(isPlan ? { name: 'fuzz', data: 'x', items } : recipe));
  return commandOutcome(isPlan ? ['plan', path] : [...words, `--recipe=${path}`]);
}

export async function recipes(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-recipe-'));
  const victim = await openVictim(folder);
  const path = join(folder, 'recipe.json');
  return {
    name: 'recipe',
    attempt: (seed) => (seed % 2 === 0 ? byCommand(path, seed) : byCall(victim, path, seed)),
    close: async () => {
      await victim.nextvec.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
