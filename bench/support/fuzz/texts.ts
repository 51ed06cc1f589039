/** Damaged recipes, settings and command lines: parsed whole or refused with the field that is wrong. */
import { z } from 'zod';
import { SettingsSchema } from '#shared/contract/app.ts';
import { applyChanges, parseCommandLine } from '#shared/domain/recipe/command-line.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { mutate } from '../mutate.ts';
import { mutateJson } from './json.ts';
import type { FuzzTarget } from './target.ts';

const RECIPE = RecipeSchema.parse({
  dataset: 'd',
  ood: 'o',
  lambda: { mse: 0.5, info_nce: 0.5 },
  gates: [{ epoch: 3, metric: 'oodLift', threshold: 0.01, action: 'pause' }],
  threads: 2,
  device: 'mps',
});
const SETTINGS = SettingsSchema.parse({ theme: 'dark', engine: 'wasm', threads: 4 });
const COMMAND =
  'python train.py --data docs.npz --ood docs-ood.npz --lambda-mse 0.5 --lambda-info-nce 0.5 --lr 5e-4 --epochs 20 ' +
  '--batch-size 32 --seed 7 --tau 0.07 --engine simd --weight-decay 0.01 --model-type amn';

function parsed(schema: z.ZodType, value: unknown): string {
  const result = schema.safeParse(value);
  if (result.success) return 'accepted';
  if (z.prettifyError(result.error) === '') throw new Error('it was refused without a word');
  return 'refused';
}

function damagedJson(value: unknown, schema: z.ZodType, seed: number): string {
  if (seed % 4 < 2) return parsed(schema, mutateJson(value, seed));
  const text = Buffer.from(mutate(Buffer.from(JSON.stringify(value)), seed)).toString('utf8');
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  return parsed(schema, read);
}

function damagedCommand(base: Recipe, seed: number): string {
  const text = Buffer.from(mutate(Buffer.from(COMMAND), seed)).toString('utf8');
  const { changes } = parseCommandLine(text);
  try {
    applyChanges(base, changes);
    return 'accepted';
  } catch (error) {
    if (error instanceof z.ZodError) return 'refused';
    throw error;
  }
}

export async function texts(): Promise<FuzzTarget> {
  return {
    name: 'recipe, settings, command line',
    async attempt(seed) {
      if (seed % 3 === 0) return damagedJson(RECIPE, RecipeSchema, seed);
      if (seed % 3 === 1) return damagedJson(SETTINGS, SettingsSchema, seed);
      return damagedCommand(RECIPE, seed);
    },
    close: async () => undefined,
  };
}
