/**
 * The database's history: migration n takes a file from version n − 1 to n (`PRAGMA user_version`). Never edited once
 * released, only appended to. Units stand in column names; times are milliseconds since 1970.
 */

export interface Migration {
  readonly version: number;
  readonly what: string;
  readonly sql: string;
}

const FIRST: Migration = {
  version: 1,
  what: 'data sets, runs, attempts, epochs, series, gates, log, checkpoints, settings',
  sql: `
    CREATE TABLE datasets (
      id TEXT NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      source_path TEXT NOT NULL,
      is_sample INTEGER NOT NULL CHECK (is_sample IN (0, 1)),
      imported_at_ms INTEGER NOT NULL,
      stored_bytes INTEGER NOT NULL,
      passport_json TEXT NOT NULL CHECK (json_valid(passport_json)),
      options_json TEXT NOT NULL CHECK (json_valid(options_json))
    ) STRICT;

    CREATE TABLE runs (
      id TEXT NOT NULL PRIMARY KEY,
      number INTEGER NOT NULL UNIQUE,
      name TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN
        ('queued', 'starting', 'running', 'paused', 'finished', 'stopped', 'failed', 'interrupted')),
      reason TEXT NOT NULL DEFAULT '',
      created_at_ms INTEGER NOT NULL,
      ended_at_ms INTEGER,
      recipe_json TEXT NOT NULL CHECK (json_valid(recipe_json)),
      dataset_id TEXT REFERENCES datasets (id) ON DELETE SET NULL,
      dataset_name TEXT NOT NULL,
      ood_id TEXT REFERENCES datasets (id) ON DELETE SET NULL,
      ood_name TEXT,
      app_version TEXT NOT NULL,
      engine_json TEXT CHECK (json_valid(engine_json)),
      parameters INTEGER,
      train_rows INTEGER,
      val_rows INTEGER,
      ood_rows INTEGER,
      split_proof_json TEXT CHECK (json_valid(split_proof_json)),
      baselines_json TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(baselines_json)),
      epoch INTEGER NOT NULL DEFAULT 0,
      step INTEGER NOT NULL DEFAULT 0,
      total_steps INTEGER,
      best_json TEXT CHECK (json_valid(best_json)),
      rows_per_second REAL,
      duration_ms REAL NOT NULL DEFAULT 0,
      tags_json TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags_json)),
      notes TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX runs_by_status ON runs (status);
    CREATE INDEX runs_by_dataset ON runs (dataset_id);

    -- One life of a trainer process for a run. A resumed run does the steps since its checkpoint again, as a new
    -- attempt: rows are only ever added, and a reader takes the newest attempt that has a step.
    CREATE TABLE attempts (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      attempt INTEGER NOT NULL,
      first_step INTEGER NOT NULL,
      last_step INTEGER NOT NULL,
      started_at_ms INTEGER NOT NULL,
      ended_at_ms INTEGER,
      engine_json TEXT CHECK (json_valid(engine_json)),
      columns_json TEXT NOT NULL CHECK (json_valid(columns_json)),
      PRIMARY KEY (run_id, attempt)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE epochs (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      record_json TEXT NOT NULL CHECK (json_valid(record_json)),
      PRIMARY KEY (run_id, epoch, attempt)
    ) STRICT;

    -- 4096 steps of one column: raw float32, and [min, max, mean, count] float32 of each 16, 256 and 4096 steps.
    -- The small blobs come first, so that a zoomed-out read never touches the pages of the raw values.
    CREATE TABLE series_chunks (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      attempt INTEGER NOT NULL,
      "column" TEXT NOT NULL,
      chunk INTEGER NOT NULL,
      level3 BLOB NOT NULL,
      level2 BLOB NOT NULL,
      level1 BLOB NOT NULL,
      raw BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX series_chunks_key ON series_chunks (run_id, attempt, "column", chunk);

    -- Steps of a live attempt that do not fill a chunk yet: float32 [column][step], one row a flush.
    CREATE TABLE series_tail (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      attempt INTEGER NOT NULL,
      first_step INTEGER NOT NULL,
      steps INTEGER NOT NULL,
      data BLOB NOT NULL,
      PRIMARY KEY (run_id, attempt, first_step)
    ) STRICT;

    CREATE TABLE gates (
      id INTEGER PRIMARY KEY,
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      attempt INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      gate_json TEXT NOT NULL CHECK (json_valid(gate_json)),
      value REAL,
      passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
      broken INTEGER NOT NULL CHECK (broken IN (0, 1)),
      message TEXT NOT NULL,
      at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX gates_by_run ON gates (run_id);

    CREATE TABLE log (
      id INTEGER PRIMARY KEY,
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      at_ms INTEGER NOT NULL,
      level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
      message TEXT NOT NULL
    ) STRICT;
    CREATE INDEX log_by_run ON log (run_id);

    CREATE TABLE checkpoints (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      folder TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('best', 'last', 'kept')),
      epoch INTEGER NOT NULL,
      step INTEGER NOT NULL,
      val_cosine REAL,
      bytes INTEGER NOT NULL,
      sha256 TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      PRIMARY KEY (run_id, folder)
    ) STRICT;

    CREATE TABLE settings (
      key TEXT NOT NULL PRIMARY KEY,
      value_json TEXT NOT NULL CHECK (json_valid(value_json))
    ) STRICT;
  `,
};

const SECOND: Migration = {
  version: 2,
  what: 'evaluations, claims of reports',
  sql: `
    CREATE TABLE evaluations (
      id INTEGER PRIMARY KEY,
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      dataset_id TEXT REFERENCES datasets (id) ON DELETE SET NULL,
      part TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      result_json TEXT NOT NULL CHECK (json_valid(result_json))
    ) STRICT;
    CREATE INDEX evaluations_by_run ON evaluations (run_id);

    -- What a report about run_id expects of the run of recipe_json; settled by the first finished run of that recipe.
    CREATE TABLE claims (
      id INTEGER PRIMARY KEY,
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      made_at_ms INTEGER NOT NULL,
      recipe_json TEXT NOT NULL CHECK (json_valid(recipe_json)),
      outcome TEXT NOT NULL CHECK (outcome IN ('open', 'met', 'missed')),
      outcome_json TEXT NOT NULL CHECK (json_valid(outcome_json))
    ) STRICT;
    CREATE INDEX claims_by_run ON claims (run_id);
  `,
};

const THIRD: Migration = {
  version: 3,
  what: 'imported runs',
  sql: `ALTER TABLE runs ADD COLUMN imported_json TEXT CHECK (imported_json IS NULL OR json_valid(imported_json));`,
};

const FOURTH: Migration = {
  version: 4,
  what: 'plans, their items, members and runs of sweeps',
  sql: `
    CREATE TABLE plans (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      is_paused INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1)),
      -- Data sets by id; a plan outlives them, and then says which one is missing.
      dataset_id TEXT NOT NULL,
      ood_id TEXT
    ) STRICT;

    -- One queue over all plans, in the order of position.
    CREATE TABLE plan_items (
      id INTEGER PRIMARY KEY,
      plan_id INTEGER NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
      key TEXT NOT NULL,
      position INTEGER NOT NULL,
      item_json TEXT NOT NULL CHECK (json_valid(item_json)),
      status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'missed', 'failed', 'skipped')),
      reason TEXT NOT NULL DEFAULT '',
      is_held INTEGER NOT NULL DEFAULT 0 CHECK (is_held IN (0, 1)),
      run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
      report_path TEXT,
      started_at_ms INTEGER,
      ended_at_ms INTEGER,
      UNIQUE (plan_id, key)
    ) STRICT;
    CREATE INDEX plan_items_by_position ON plan_items (position);

    -- Runs an item has had, the newest last: a retry with another recipe is another run.
    CREATE TABLE plan_tries (
      item_id INTEGER NOT NULL REFERENCES plan_items (id) ON DELETE CASCADE,
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      at_ms INTEGER NOT NULL,
      status TEXT NOT NULL,
      reason TEXT NOT NULL,
      PRIMARY KEY (item_id, run_id)
    ) STRICT;

    CREATE TABLE sweep_members (
      item_id INTEGER NOT NULL REFERENCES plan_items (id) ON DELETE CASCADE,
      member INTEGER NOT NULL,
      point_json TEXT NOT NULL CHECK (json_valid(point_json)),
      rung INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (item_id, member)
    ) STRICT;

    -- The run of one member with one seed; figures_json: [{valCosine, oodCosine, valLift, oodLift}] by rung reached.
    CREATE TABLE sweep_runs (
      item_id INTEGER NOT NULL,
      member INTEGER NOT NULL,
      seed INTEGER NOT NULL,
      run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
      rung INTEGER NOT NULL,
      is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
      failure TEXT NOT NULL DEFAULT '',
      figures_json TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(figures_json)),
      PRIMARY KEY (item_id, member, seed),
      FOREIGN KEY (item_id, member) REFERENCES sweep_members (item_id, member) ON DELETE CASCADE
    ) STRICT;
  `,
};

const FIFTH: Migration = {
  version: 5,
  what: 'numbers of runs and plans are given out once',
  sql: `
    -- The last number given out, also when its run or plan is gone: reports and notes still speak of it.
    CREATE TABLE numbers (
      what TEXT NOT NULL PRIMARY KEY CHECK (what IN ('run', 'plan')),
      last INTEGER NOT NULL
    ) STRICT;
    INSERT INTO numbers (what, last) SELECT 'run', coalesce(max(number), 0) FROM runs;
    INSERT INTO numbers (what, last) SELECT 'plan', coalesce(max(id), 0) FROM plans;
  `,
};

const SIXTH: Migration = {
  version: 6,
  what: 'the validation cosine of each epoch beside its record',
  sql: `
    -- Read for every run of the list, and of a run that trains several times a second: not out of its JSON each time.
    ALTER TABLE epochs ADD COLUMN val_cosine REAL;
    UPDATE epochs SET val_cosine = json_extract(record_json, '$.valCosine');
    CREATE INDEX epochs_val_cosine ON epochs (run_id, epoch, attempt, val_cosine);
  `,
};

const SEVENTH: Migration = {
  version: 7,
  what: 'cosines of runs and their baselines over the articles',
  sql: `
    -- What intervals and paired comparisons are made from. windows, sums: float64, one number an article or block.
    CREATE TABLE cosine_sums (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      part TEXT NOT NULL CHECK (part IN ('validation', 'ood')),
      -- 'model' (its best epoch) or a baseline.
      predictor TEXT NOT NULL,
      unit TEXT NOT NULL CHECK (unit IN ('articles', 'blocks')),
      windows BLOB NOT NULL,
      sums BLOB NOT NULL,
      PRIMARY KEY (run_id, part, predictor)
    ) STRICT, WITHOUT ROWID;
  `,
};

const EIGHTH: Migration = {
  version: 8,
  what: 'the task that each run solves',
  sql: `
    -- {context, history}: chunks of a context, and most chunks of history before it or null. NULL: not known.
    ALTER TABLE runs ADD COLUMN task_json TEXT CHECK (task_json IS NULL OR json_valid(task_json));
    UPDATE runs SET task_json = (
      SELECT json_object('context', json_extract(passport_json, '$.T'), 'history', NULL)
      FROM datasets WHERE datasets.id = runs.dataset_id);
  `,
};

const NINTH: Migration = {
  version: 9,
  what: 'runs and plans on a cluster',
  sql: `
    -- Cluster, newest job and how much of what it says is in the history. NULL: it trains here.
    ALTER TABLE runs ADD COLUMN place_json TEXT CHECK (place_json IS NULL OR json_valid(place_json));
    -- Address of the cluster that its runs are sent to. NULL: they train here.
    ALTER TABLE plans ADD COLUMN cluster TEXT;
  `,
};

export const MIGRATIONS: readonly Migration[] = [FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH, NINTH];
