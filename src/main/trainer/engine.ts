/** The engine of a run: the recipe's, the one of the run's earlier attempt, or the fastest that is available. */
import { chooseEngine, openEngine, type EngineChoice, type Workload } from '#engine/registry.ts';
import type { Engine, EngineHost } from '#engine/types.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { lossConfig, optimizerConfig, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { Log } from './log.ts';

type EngineJob = Pick<TrainerJob, 'recipe' | 'resume' | 'earlierEngine' | 'threads' | 'tilings'>;

export function workloadOf(recipe: Recipe, spec: GradientSpec): Workload {
  return {
    spec,
    loss: lossConfig(recipe, spec.D),
    optimizer: optimizerConfig(recipe),
    batchSize: recipe.batchSize,
  };
}

export interface RunWork extends Workload {
  /** Training windows of all epochs. */
  readonly rows: number;
}

/** Throws ENGINE_UNAVAILABLE when the recipe's engine does not run here. */
export async function openRunEngine(job: EngineJob, host: EngineHost, work: RunWork, log: Log): Promise<Engine> {
  const { resume, earlierEngine } = job;
  try {
    const { engine, note } = await choose(job, host, work, log);
    const { name, version, variant, threads } = engine.info;
    log('info', `Engine: ${note}; version ${version}, ${variant}, ${threads} threads.`);
    if (resume && earlierEngine !== null && name !== earlierEngine) {
      log(
        'warning',
        `Its steps so far were computed by ${earlierEngine}; ${name} rounds differently, so the run does not go on bit for bit.`,
      );
    }
    return engine;
  } catch (error) {
    if (isNextvecError(error)) throw error;
    throw new NextvecError('ENGINE_UNAVAILABLE', messageOf(error), {
      remedy: 'Choose another engine in the recipe; Settings and "nextvec doctor" list those that run here.',
      details: { place: 'engine' },
      cause: error,
    });
  }
}

/** On resume `auto` takes the earlier engine again: only the same engine continues bit for bit. */
async function choose(job: EngineJob, host: EngineHost, work: RunWork, log: Log): Promise<EngineChoice> {
  const { recipe, resume, earlierEngine, tilings } = job;
  // Threads of the job may be changed while it trains, those of the recipe are fixed.
  const fixed = recipe.threads !== null;
  const options = {
    threads: recipe.threads ?? job.threads,
    maxThreads: fixed ? undefined : host.hardwareThreads,
    tilings,
    work: multiplyAdds(work),
  };
  if (resume && earlierEngine !== null && recipe.engine === 'auto') {
    try {
      const engine = await openEngine(earlierEngine, host, options);
      return { engine, measured: [], note: `${earlierEngine}, as before` };
    } catch (error) {
      log('warning', `${earlierEngine} cannot run here now: ${messageOf(error)}`);
    }
  }
  return chooseEngine(recipe.engine, host, work, { ...options, device: recipe.device });
}

/** At most: forward and backward, each parameter once for each context position. */
function multiplyAdds({ spec, rows }: RunWork): number {
  return 3 * spec.T * parameterCount(spec) * rows;
}
