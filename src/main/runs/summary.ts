/** Derived figures of a run: lift over the baseline, progress, time left. */
import type { Imported, RunSummary } from '#shared/contract/runs.ts';
import { bestCosine } from '#shared/domain/recipe/gates.ts';
import { NO_DATASET } from '#shared/domain/recipe/recipe.ts';
import { STEP_COLUMNS, type Best } from '#shared/domain/runs/training.ts';
import {
  baselinesOf,
  bestOf,
  engineOf,
  importedOf,
  placeOf,
  splitProofOf,
  tagsOf,
  type RunRow,
} from '../store/runs.ts';
import { readRecipe, readTask } from '../store/stored-json.ts';

/** Float32 of every column, and the pyramid over it: 16 bytes for each 16, 256 and 4096 steps. */
const SERIES_BYTES_PER_STEP = STEP_COLUMNS.length * 4 * (1 + 1 / 4 + 1 / 64 + 1 / 1024);

function lift(cosine: number | null | undefined, baseline: number | null | undefined): number | null {
  return cosine == null || baseline == null ? null : cosine - baseline;
}

/** Rows of earlier versions also hold what the file stated; that is no figure of this program. */
function measuredBest(best: Best | null, { measured }: Imported): Best | null {
  return best && measured && { ...best, oodCosine: measured.oodCosine ?? null };
}

/** More than that many places a sparkline has no room for. */
const SPARKLINE_PLACES = 60;

/** Every n-th place, with the last. */
function thinned<T>(values: readonly T[]): T[] {
  const stride = Math.max(1, Math.ceil(values.length / SPARKLINE_PLACES));
  return values.filter((_, i) => (values.length - 1 - i) % stride === 0);
}

/** What is left of a row whose JSON cannot be used. */
export function damagedRow(row: RunRow, problem: string): RunRow {
  return {
    ...row,
    status: 'failed',
    reason: `Its row in the history is damaged (${problem}). Put a backup of the storage folder in its place, or delete the run.`,
    recipe_json: JSON.stringify({ dataset: row.dataset_id ?? NO_DATASET }),
    engine_json: null,
    task_json: null,
    split_proof_json: null,
    baselines_json: '{}',
    best_json: null,
    tags_json: '[]',
    imported_json: null,
    place_json: null,
  };
}

/** `valCosines`: by epoch. `etaMs` only while it trains. */
export function summarise(row: RunRow, valCosines: readonly (number | null)[], etaMs: number | null): RunSummary {
  const recipe = readRecipe(row.recipe_json);
  const imported = importedOf(row);
  const recorded = bestOf(row);
  const best = imported === null ? recorded : measuredBest(recorded, imported);
  const baselines = baselinesOf(row);
  const place = placeOf(row);
  return {
    id: row.id,
    number: row.number,
    name: row.name,
    status: row.status,
    reason: row.reason,
    createdAt: row.created_at_ms,
    endedAt: row.ended_at_ms,
    recipe,
    datasetName: row.dataset_name,
    oodName: row.ood_name,
    task: readTask(row.task_json),
    engine: engineOf(row),
    parameters: row.parameters,
    trainRows: row.train_rows,
    valRows: row.val_rows,
    oodRows: row.ood_rows,
    splitProof: splitProofOf(row),
    epoch: row.epoch,
    step: row.step,
    totalSteps: row.total_steps,
    etaMs,
    best,
    baselines,
    valLift: lift(best?.valCosine, baselines.contextMean?.valCosine),
    oodLift: lift(best?.oodCosine, baselines.contextMean?.oodCosine),
    valBestLift: lift(best?.valCosine, bestCosine(baselines, 'valCosine')),
    oodBestLift: lift(best?.oodCosine, bestCosine(baselines, 'oodCosine')),
    rowsPerSecond: row.rows_per_second,
    durationMs: row.duration_ms,
    epochsDone: valCosines.length,
    sparkline: thinned(valCosines),
    tags: tagsOf(row),
    notes: row.notes,
    ...(place && { on: place.address }),
    ...(imported === null ? {} : { imported }),
    storedBytes: Math.round(row.checkpoint_bytes + row.stored_steps * SERIES_BYTES_PER_STEP),
  };
}
