/** Finished runs whose models are parts of a Gram mixture (`parts` of its recipe). */
import { join } from 'node:path';
import { DEFAULT_GRAM_CONFIG } from '#engine/gram/config.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { partReason, refusePart } from '#shared/domain/recipe/mixture-parts.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { listCheckpoints, weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { findRunByHandle, type RunRow } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';

type PartRun = TrainerJob['parts'][number];

/** Ids of the runs, which never change. Throws NOT_FOUND or BAD_RECIPE naming the run that cannot be a part. */
export function partIds(home: Home, recipe: Recipe): string[] {
  const rows = recipe.parts.map((handle) => requirePart(home, recipe, handle));
  const twice = rows.find((row, i) => rows.findIndex(({ id }) => id === row.id) < i);
  if (twice !== undefined) {
    throw new NextvecError('BAD_RECIPE', `Run #${twice.number} is named twice among the parts.`, {
      remedy: 'Name it once.',
      details: { place: 'parts' },
    });
  }
  return rows.map(({ id }) => id);
}

/** What a trainer needs of the runs. Throws as `partIds`. */
export function partRuns(home: Home, recipe: Recipe): PartRun[] {
  return recipe.parts.map((handle) => {
    const row = requirePart(home, recipe, handle);
    return {
      recipe: readRecipe(row.recipe_json),
      folder: join(home.runFolder(row.id), bestFolder(home, row) ?? ''),
      run: { runId: row.id, weightHashes: weightHashes(home.db, row.id) },
    };
  });
}

/** What training the models anew will take at most: for each of the clusters, on the windows of the others. */
export function retrainingMs(home: Home, recipe: Recipe): number {
  const durations = recipe.parts.map((handle) => requirePart(home, recipe, handle).duration_ms);
  return (DEFAULT_GRAM_CONFIG.clusters - 1) * durations.reduce((sum, ms) => sum + ms, 0);
}

function requirePart(home: Home, recipe: Recipe, handle: string): RunRow {
  const row = findRunByHandle(home.db, handle);
  if (row === null) {
    throw new NextvecError('NOT_FOUND', `There is no run "${handle}" to be a part of this mixture.`, {
      remedy: 'Name a finished run of the history by its number or id; a deleted one must be trained again.',
      details: { place: 'parts' },
    });
  }
  const refusal = refusePart(recipe, {
    status: row.status,
    isImported: row.imported_json !== null,
    recipe: readRecipe(row.recipe_json),
    hasBest: bestFolder(home, row) !== null,
  });
  if (refusal === null) return row;
  const message = `Run #${row.number} cannot be a part of this mixture: ${partReason(refusal)}.`;
  throw new NextvecError('BAD_RECIPE', message, { remedy: refusal.remedy, details: { place: 'parts' } });
}

function bestFolder(home: Home, { id }: RunRow): string | null {
  return listCheckpoints(home.db, id).find(({ kind }) => kind === 'best')?.folder ?? null;
}
