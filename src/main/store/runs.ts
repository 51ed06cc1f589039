/** Rows of runs. Not here: derived figures (lift, time left, sparkline), which `main/runs/summary.ts` computes. */
import type { EngineInfo } from '#engine/types.ts';
import type { SplitProof } from '#shared/contract/datasets.ts';
import type { Imported, RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { taskOf } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { unknownRun } from '#shared/domain/not-found.ts';
import { NO_DATASET, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { RunPlaceSchema, type RunPlace } from '#shared/domain/runs/clusters.ts';
import type { Baselines, Best } from '#shared/domain/runs/training.ts';
import type { Db } from './database.ts';
import { findDataset } from './datasets.ts';
import { takeNumber } from './numbers.ts';
import { fromJson } from './stored-json.ts';

export interface RunRow {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly status: RunStatus;
  readonly reason: string;
  readonly created_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly recipe_json: string;
  readonly dataset_id: string | null;
  readonly dataset_name: string;
  /** What the windows of its data set ask; null: it has none, or had none when this was first recorded. */
  readonly task_json: string | null;
  readonly ood_id: string | null;
  readonly ood_name: string | null;
  readonly app_version: string;
  readonly engine_json: string | null;
  readonly parameters: number | null;
  readonly train_rows: number | null;
  readonly val_rows: number | null;
  readonly ood_rows: number | null;
  readonly split_proof_json: string | null;
  readonly baselines_json: string;
  readonly epoch: number;
  readonly step: number;
  readonly total_steps: number | null;
  readonly best_json: string | null;
  readonly rows_per_second: number | null;
  readonly duration_ms: number;
  readonly tags_json: string;
  readonly notes: string;
  readonly imported_json: string | null;
  /** RunPlace; null: it trains here. */
  readonly place_json: string | null;
  /** Total size of the run's checkpoint files, bytes. */
  readonly checkpoint_bytes: number;
  /** Steps stored, over all attempts. */
  readonly stored_steps: number;
}

const SELECT = `SELECT runs.*,
  (SELECT coalesce(sum(bytes), 0) FROM checkpoints WHERE run_id = runs.id) AS checkpoint_bytes,
  (SELECT coalesce(sum(last_step - first_step + 1), 0) FROM attempts WHERE run_id = runs.id) AS stored_steps
  FROM runs`;

export interface NewRun {
  readonly id: string;
  /** null: "Run n". */
  readonly name: string | null;
  readonly recipe: Recipe;
  readonly datasetName: string;
  readonly oodName: string | null;
  readonly tags: readonly string[];
  readonly appVersion: string;
  readonly createdAt: number;
  /** Where it trains; null: here. */
  readonly place?: RunPlace | null;
}

export function insertRun(db: Db, run: NewRun): void {
  const insert = db.prepare(
    `INSERT INTO runs (id, number, name, status, created_at_ms, recipe_json, dataset_id, dataset_name, task_json, ood_id,
       ood_name, app_version, tags_json, place_json)
     VALUES (@id, @number, @name, 'queued', @createdAt, @recipe, @datasetId, @datasetName, @task,
       @oodId, @oodName, @appVersion, @tags, @place)`,
  );
  const dataset = findDataset(db, run.recipe.dataset);
  db.transaction(() => {
    const number = takeNumber(db, 'run');
    insert.run({
      id: run.id,
      number,
      name: run.name ?? `Run ${number}`,
      createdAt: run.createdAt,
      recipe: JSON.stringify(run.recipe),
      datasetId: run.recipe.dataset === NO_DATASET ? null : run.recipe.dataset,
      datasetName: run.datasetName,
      task: dataset && JSON.stringify(taskOf(dataset.passport)),
      oodId: run.recipe.ood,
      oodName: run.oodName,
      appVersion: run.appVersion,
      tags: JSON.stringify(run.tags),
      place: run.place ? JSON.stringify(run.place) : null,
    });
  }).immediate();
}

/** With what the record of a run adds to it. */
type StoredEngine = EngineInfo & Pick<NonNullable<RunSummary['engine']>, 'sharing'>;

/** Where a run trains that does not train here. */
export function placeOf({ place_json }: Pick<RunRow, 'place_json'>): RunPlace | null {
  return place_json === null ? null : RunPlaceSchema.parse(JSON.parse(place_json));
}

/** The engine of its last life; null: it has had none. */
export function engineOf({ engine_json }: Pick<RunRow, 'engine_json'>): StoredEngine | null {
  return engine_json === null ? null : fromJson(engine_json);
}

export function splitProofOf({ split_proof_json }: Pick<RunRow, 'split_proof_json'>): SplitProof | null {
  return split_proof_json === null ? null : fromJson(split_proof_json);
}

export function baselinesOf({ baselines_json }: Pick<RunRow, 'baselines_json'>): Baselines {
  return fromJson(baselines_json);
}

/** As recorded; `best` of a summary holds only what was measured here. */
export function bestOf({ best_json }: Pick<RunRow, 'best_json'>): Best | null {
  return best_json === null ? null : fromJson(best_json);
}

export function tagsOf({ tags_json }: Pick<RunRow, 'tags_json'>): string[] {
  return fromJson(tags_json);
}

/** Where an imported run comes from; null: it was trained by Nextvec. */
export function importedOf({ imported_json }: Pick<RunRow, 'imported_json'>): Imported | null {
  return imported_json === null ? null : fromJson(imported_json);
}

/** Whether a job on a cluster was sent for the run: it may train without this program. */
export function hasJob(row: Pick<RunRow, 'place_json'>): boolean {
  return (placeOf(row)?.attempt ?? 0) > 0;
}

export function findRun(db: Db, id: string): RunRow | null {
  return db.prepare<[string], RunRow>(`${SELECT} WHERE id = ?`).get(id) ?? null;
}

/** By id, or by its number with or without "#". */
export function findRunByHandle(db: Db, handle: string): RunRow | null {
  const exact = findRun(db, handle);
  if (exact !== null) return exact;
  const number = /^#?(\d{1,9})$/.exec(handle)?.[1];
  if (number === undefined) return null;
  return db.prepare<[number], RunRow>(`${SELECT} WHERE number = ?`).get(Number(number)) ?? null;
}

/** The run of this id or number; throws NOT_FOUND when there is none. */
export function requireRun(db: Db, handle: string): RunRow {
  const row = findRunByHandle(db, handle);
  if (row !== null) return row;
  throw unknownRun(handle);
}

/** Throws NOT_FOUND for a run that was imported as curves alone. */
export function requireWeights(row: RunRow): void {
  const imported = importedOf(row);
  if (imported === null || imported.golden !== null) return;
  throw new NextvecError(
    'NOT_FOUND',
    `Run ${row.number} has no weights: only curves were imported from ${imported.file}.`,
    {
      remedy: 'Import the checkpoint of that run as well, and use it.',
      details: { place: row.id },
    },
  );
}

/** Newest first. */
export function listRuns(db: Db): RunRow[] {
  return db.prepare<[], RunRow>(`${SELECT} ORDER BY number DESC`).all();
}

export function listRunsWithStatus(db: Db, statuses: readonly RunStatus[]): RunRow[] {
  return db
    .prepare<[string], RunRow>(`${SELECT} WHERE status IN (SELECT value FROM json_each(?)) ORDER BY number`)
    .all(JSON.stringify(statuses));
}

/** A run that has not finished and has run `id` as a part of its mixture; null: there is none. */
export function findUnfinishedMixtureOf(db: Db, id: string): RunRow | null {
  const isPart = `EXISTS (SELECT 1 FROM json_each(recipe_json, '$.parts') WHERE value = ?)`;
  return db.prepare<[string], RunRow>(`${SELECT} WHERE status <> 'finished' AND ${isPart} LIMIT 1`).get(id) ?? null;
}

type Fixed = 'id' | 'number' | 'recipe_json' | 'created_at_ms' | 'checkpoint_bytes' | 'stored_steps';
export type RunChanges = Partial<Omit<RunRow, Fixed>>;
const UPDATABLE = new Set<string>([
  'name',
  'status',
  'reason',
  'ended_at_ms',
  'engine_json',
  'parameters',
  'train_rows',
  'val_rows',
  'ood_rows',
  'split_proof_json',
  'baselines_json',
  'epoch',
  'step',
  'total_steps',
  'best_json',
  'rows_per_second',
  'duration_ms',
  'tags_json',
  'notes',
  'imported_json',
  'place_json',
]);

export function updateRun(db: Db, id: string, changes: RunChanges): void {
  const columns = Object.keys(changes);
  const unknown = columns.find((column) => !UPDATABLE.has(column));
  if (unknown !== undefined) throw new Error(`runs.${unknown} never changes`);
  if (columns.length === 0) return;
  const assignments = columns.map((column) => `${column} = @${column}`).join(', ');
  db.prepare(`UPDATE runs SET ${assignments} WHERE id = @id`).run({ ...changes, id });
}

export function deleteRun(db: Db, id: string): void {
  db.prepare('DELETE FROM runs WHERE id = ?').run(id);
}

export function countRuns(db: Db): number {
  return db.prepare<[], { n: number }>('SELECT count(*) AS n FROM runs').get()?.n ?? 0;
}

export interface SpeedRow {
  readonly number: number;
  readonly engine: string;
  readonly batchSize: number;
  readonly rowsPerSecond: number;
  /** Training rows over the duration of the whole run. */
  readonly fittedRowsPerSecond: number;
}

/** Measured speeds of earlier runs of a model: those that had the machine for themselves first, then newest first. */
export function listSpeeds(db: Db, modelType: string, D: number): SpeedRow[] {
  return db
    .prepare<[string, number], SpeedRow>(
      `SELECT r.number, json_extract(r.engine_json, '$.name') AS engine,
         json_extract(r.recipe_json, '$.batchSize') AS batchSize, r.rows_per_second AS rowsPerSecond,
         1000.0 * r.train_rows / r.duration_ms AS fittedRowsPerSecond
       FROM runs AS r JOIN datasets AS d ON d.id = r.dataset_id
       WHERE r.place_json IS NULL AND r.rows_per_second > 0 AND r.duration_ms > 0 AND r.train_rows > 0 AND r.engine_json IS NOT NULL
         AND json_extract(r.recipe_json, '$.modelType') = ? AND json_extract(d.passport_json, '$.D') = ?
         AND coalesce(json_array_length(r.recipe_json, '$.parts'), 0) = 0
       ORDER BY json_extract(r.engine_json, '$.sharing') IS NOT NULL, r.number DESC LIMIT 50`,
    )
    .all(modelType, D);
}

/**
 * The newest run with baselines that are those of `run` too: measured by the same version on the same data, split and
 * seed; null: there is none.
 */
export function findMeasured(db: Db, run: RunRow): Pick<RunRow, 'id' | 'number' | 'baselines_json'> | null {
  return (
    db
      .prepare<[RunRow], Pick<RunRow, 'id' | 'number' | 'baselines_json'>>(
        `SELECT id, number, baselines_json FROM runs
         WHERE dataset_id = @dataset_id AND ood_id IS @ood_id AND app_version = @app_version AND baselines_json <> '{}'
           AND imported_json IS NULL
           AND recipe_json -> '$.split' = @recipe_json -> '$.split' AND recipe_json -> '$.seed' = @recipe_json -> '$.seed'
         ORDER BY number DESC LIMIT 1`,
      )
      .get(run) ?? null
  );
}

/** Engines of the runs, the newest last, whose record has this field. */
export function listEngines(db: Db, field: keyof StoredEngine): StoredEngine[] {
  return db
    .prepare<[string], string>(
      'SELECT engine_json FROM runs WHERE json_extract(engine_json, ?) IS NOT NULL ORDER BY number',
    )
    .pluck()
    .all(`$.${field}`)
    .map((json) => fromJson(json));
}
