/** Times training steps of a recipe's model in this process, on random vectors. */
import { measureSpeed, openEngine } from '#engine/registry.ts';
import type { Measure } from '#shared/contract/trainer.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { modelSpec } from '#shared/domain/recipe/recipe.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';
import { workloadOf } from './engine.ts';

/** Training rows a second. Not for a Gram mixture. */
export async function measureRecipe({ recipe, T, D, threads, seconds, resourcesDir }: Measure): Promise<number> {
  const name = recipe.engine === 'auto' ? 'simd' : recipe.engine;
  const engine = await openEngine(name, nodeEngineHost(resourcesDir), { threads });
  try {
    const { rowsPerSecond } = await measureSpeed(
      engine,
      workloadOf(recipe, modelSpec(recipe, T, D) as GradientSpec),
      seconds,
    );
    return rowsPerSecond;
  } finally {
    await engine.dispose();
  }
}
