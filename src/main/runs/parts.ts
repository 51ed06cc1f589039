/** Finished runs whose models are parts of a Gram mixture (`parts` of its recipe). */
import { join } from 'node:path';
import { DEFAULT_GRAM_CONFIG } from '#engine/gram/config.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { modelRow } from '#shared/domain/models/models.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { listCheckpoints, weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { findRunByHandle, type RunRow } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';

type PartRun = TrainerJob['parts'][number];

/** Ids of the runs, which never change. Throws NOT_FOUND or BAD_RECIPE naming the run that cannot be a part. */
export function partIds(home: Home, recipe: Recipe): string[] {
  return recipe.parts.map((handle) => requirePart(home, recipe, handle).id);
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

/** What training the models anew will take: once for each cluster, as long as their runs took. */
export function retrainingMs(home: Home, recipe: Recipe): number {
  const durations = recipe.parts.map((handle) => requirePart(home, recipe, handle).duration_ms);
  return DEFAULT_GRAM_CONFIG.clusters * durations.reduce((sum, ms) => sum + ms, 0);
}

function requirePart(home: Home, recipe: Recipe, handle: string): RunRow {
  const row = findRunByHandle(home.db, handle);
  if (row === null) {
    throw new NextvecError('NOT_FOUND', `There is no run "${handle}" to be a part of this mixture.`, {
      remedy: 'Name a finished run of the history by its number or id; a deleted one must be trained again.',
      details: { place: 'parts' },
    });
  }
  const why = whyNoPart(recipe, row, readRecipe(row.recipe_json)) ?? (bestFolder(home, row) === null ? NO_MODEL : null);
  if (why === null) return row;
  throw new NextvecError('BAD_RECIPE', `Run #${row.number} cannot be a part of this mixture: ${why.message}.`, {
    remedy: why.remedy,
    details: { place: 'parts' },
  });
}

const NO_MODEL = { message: 'it has no best checkpoint', remedy: 'Name a run that has one.' };

/**
 * Its training windows must be those of the mixture: then it has seen none of the validation windows, and can be trained
 * anew without a cluster. Weights that it started from may have seen any.
 */
function whyNoPart(recipe: Recipe, row: RunRow, part: Recipe): { message: string; remedy: string } | null {
  const { label, training } = modelRow(part.modelType);
  if (row.imported_json !== null)
    return { message: 'it was imported, and what it was trained on is not known', remedy: 'Train such a model here.' };
  if (training !== 'gradient')
    return { message: `it is a ${label}`, remedy: 'Name a run of AMN, LSTM, GRU stack or Transformer.' };
  if (row.status !== 'finished') return { message: `it is ${row.status}`, remedy: 'Let it finish first.' };
  if (part.initFrom !== null)
    return {
      message: 'it started from given weights, which may have seen the validation windows',
      remedy: 'Name a run that started from its seed.',
    };
  if (part.dataset !== recipe.dataset)
    return { message: 'it was trained on another data set', remedy: 'Name a run on the same training set.' };
  if (!hasSameSplit(recipe, part))
    return {
      message: 'its split is another, so it was trained on windows that this run validates on',
      remedy: `Give this run the split of that one: "${part.split.kind}", share ${part.split.validationShare}, seed ${part.seed}.`,
    };
  return null;
}

function hasSameSplit(a: Recipe, b: Recipe): boolean {
  if (a.split.kind !== b.split.kind) return false;
  return a.split.kind === 'file' || (a.seed === b.seed && a.split.validationShare === b.split.validationShare);
}

function bestFolder(home: Home, { id }: RunRow): string | null {
  return listCheckpoints(home.db, id).find(({ kind }) => kind === 'best')?.folder ?? null;
}
