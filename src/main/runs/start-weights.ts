/** The weights a new run starts from (`initFrom` of its recipe): another run's checkpoint or a weights file. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { InitFile } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { listCheckpoints, weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { findRunByHandle, requireWeights } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';
import { MODEL_FILE } from '../checkpoints/manifest.ts';

/** The weights file; null: the recipe names none. Throws NOT_FOUND. */
export function initFile(home: Home, { initFrom }: Pick<Recipe, 'initFrom'>): InitFile | null {
  if (initFrom === null) return null;
  const source = findRunByHandle(home.db, initFrom);
  if (source === null) {
    if (existsSync(initFrom)) return { path: resolve(initFrom), run: null };
    throw new NextvecError('NOT_FOUND', `There is neither a run nor a file "${initFrom}" to start from.`, {
      remedy: 'Name a run of the history, or a safetensors, .pt or .npz file of weights.',
      details: { place: 'initFrom' },
    });
  }
  requireWeights(source);
  const checkpoints = listCheckpoints(home.db, source.id);
  const checkpoint = checkpoints.find(({ kind }) => kind === 'best') ?? checkpoints[0];
  if (checkpoint) {
    const path = join(home.runFolder(source.id), checkpoint.folder, MODEL_FILE);
    return { path, run: { runId: source.id, weightHashes: weightHashes(home.db, source.id) } };
  }
  throw new NextvecError('NOT_FOUND', `Run ${source.number} has no checkpoint to start from yet.`, {
    remedy: 'Start from it once its first checkpoint is written.',
    details: { place: 'initFrom' },
  });
}

/**
 * The fields of a new run's recipe that its source decides. A run is named by its id, which never changes, and gives its
 * model sizes unless the recipe asks for others; a file is named by its absolute path.
 */
export function sourceFields(home: Home, recipe: Recipe): Pick<Recipe, 'initFrom' | 'sizes'> {
  const { initFrom, modelType, sizes } = recipe;
  const file = initFile(home, recipe);
  const source = initFrom === null ? null : findRunByHandle(home.db, initFrom);
  if (source === null) return { initFrom: file && file.path, sizes };
  const theirs = readRecipe(source.recipe_json);
  return { initFrom: source.id, sizes: sizes ?? (theirs.modelType === modelType ? theirs.sizes : null) };
}
