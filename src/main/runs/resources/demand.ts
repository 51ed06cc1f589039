/** What a run takes of the machine, and what the machine has. */
import { availableParallelism, totalmem } from 'node:os';
import { onEngine, type EngineChoice, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { findDataset } from '../../store/datasets.ts';
import type { Home } from '../../store/home.ts';
import { engineOf, type RunRow } from '../../store/runs.ts';
import { readRecipe } from '../../store/stored-json.ts';
import { memoryBytes, specOf } from './memory.ts';
import type { Demand, Machine } from './sharing.ts';

/** The rest is for the window, the file cache and other programs. */
const MEMORY_SHARE = 0.8;

/** This machine, or the part of it that its container has. Engines use its first GPU only. */
export function thisMachine(): Machine {
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(totalmem(), limit) : totalmem();
  return { cores: availableParallelism(), memoryBytes: MEMORY_SHARE * memory, devices: 1 };
}

/** Whether an engine trains on a GPU, or may do so (`auto`, until it has been chosen). */
export function usesDevice(engine: string): boolean {
  return engine === 'auto' || engine === 'webgpu' || engine === 'tensorflow';
}

/** What a run takes that is about to start. `instead`: the engine to take for the recipe's. */
export function demandOf(home: Home, row: RunRow, instead?: EngineChoice): Demand {
  const recipe = onEngine(readRecipe(row.recipe_json), instead);
  const engine = (recipe.engine === 'auto' ? engineOf(row)?.name : null) ?? recipe.engine;
  return {
    threads: recipe.threads,
    memoryBytes: estimate(home, recipe),
    // `auto` fits a mixture by the kernels of simd alone.
    usesDevice: recipe.modelType === 'gram' ? engine === 'webgpu' : usesDevice(engine),
  };
}

function estimate(home: Home, recipe: Recipe): number {
  const dataset = findDataset(home.db, recipe.dataset);
  const ood = recipe.ood === null ? null : findDataset(home.db, recipe.ood);
  // Without its data the run fails when it starts.
  return dataset === null ? 0 : memoryBytes(recipe, { dataset, ood, spec: specOf(home, recipe, dataset) });
}
