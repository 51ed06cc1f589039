/** The job of a run's trainer process, from its row in the history. */
import type { InitFile, TrainerJob } from '#shared/contract/trainer.ts';
import { onEngine, type EngineChoice, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { adapterWords } from '#shared/domain/runs/adapter.ts';
import { BaselinesSchema, type Baselines } from '#shared/domain/runs/training.ts';
import { baselineSums } from '../../store/cosine-sums.ts';
import { listCheckpoints, weightHashes } from '../../store/history.ts';
import type { Home } from '../../store/home.ts';
import { engineOf, findMeasured, listEngines, type RunRow } from '../../store/runs.ts';
import { currentSettings } from '../../store/settings.ts';
import { readRecipe } from '../../store/stored-json.ts';
import { partRuns } from '../parts.ts';
import { initFile } from '../start-weights.ts';

/** What a job has from elsewhere than its row. */
export type JobFields = Pick<
  TrainerJob,
  'resourcesDir' | 'dataWorker' | 'checkpointEveryMs' | 'resume' | 'stopAfterEpoch' | 'threads'
>;

/** `engine`: instead of the recipe's. */
export function trainerJob(home: Home, row: RunRow, fields: JobFields, engine?: EngineChoice): TrainerJob {
  const recipe = onEngine(readRecipe(row.recipe_json), engine);
  return {
    ...fields,
    runId: row.id,
    weightHashes: weightHashes(home.db, row.id),
    recipe,
    datasetFolder: home.datasetFolder(recipe.dataset),
    oodFolder: recipe.ood === null ? null : home.datasetFolder(recipe.ood),
    runFolder: home.runFolder(row.id),
    initFile: sourceOf(home, row, recipe),
    parts: partRuns(home, recipe),
    earlierEngine: engineOf(row)?.name ?? null,
    tilings: knownTilings(home, row),
    ...knownBaselines(home, row),
    keepEveryEpochs: currentSettings(home.db).keepEveryEpochs,
  };
}

/** null for a run with checkpoints: it has its own weights, and what it once started from may be gone. */
function sourceOf(home: Home, row: RunRow, recipe: Recipe): InitFile | null {
  return listCheckpoints(home.db, row.id).length > 0 ? null : initFile(home, recipe);
}

/** Those of the newest run on each GPU, before them those of `row`: other tiles round differently. */
export function knownTilings({ db }: Home, row: Pick<RunRow, 'engine_json'>): TrainerJob['tilings'] {
  const engines = [...listEngines(db, 'tiling'), engineOf(row)].filter((engine) => engine !== null);
  return Object.fromEntries(
    engines.flatMap(({ adapter, tiling }) => (adapter && tiling ? [[adapterWords(adapter), tiling]] : [])),
  );
}

type KnownBaselines = Pick<TrainerJob, 'earlierBaselines' | 'earlierSums' | 'baselinesOf'>;

/** Of the run itself, else of another one for which they are the same numbers. */
function knownBaselines({ db }: Home, row: RunRow): KnownBaselines {
  const own = readBaselines(row);
  const other = own === null ? findMeasured(db, row) : null;
  return {
    earlierBaselines: own ?? (other && readBaselines(other)),
    earlierSums: baselineSums(db, other?.id ?? row.id),
    baselinesOf: other?.number ?? null,
  };
}

/** null: not measured yet, or damaged. */
function readBaselines(row: Pick<RunRow, 'baselines_json'>): Baselines | null {
  const baselines = BaselinesSchema.safeParse(JSON.parse(row.baselines_json)).data ?? {};
  return Object.keys(baselines).length === 0 ? null : baselines;
}
