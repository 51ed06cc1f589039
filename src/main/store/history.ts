/** What a run leaves behind besides its series: attempts, epochs, gates, log lines, checkpoints. Rows are only added. */
import type { GateResult, LogLine } from '#shared/contract/runs.ts';
import { STEP_COLUMNS, type EpochRecord, type StoredCheckpoint } from '#shared/domain/runs/training.ts';
import { GateSchema } from '#shared/domain/recipe/recipe.ts';
import type { Db } from './database.ts';
import { closeSeries } from './series-writer.ts';
import { readEpochRecord, wholeRows } from './stored-json.ts';

/** Adds an attempt of a run whose next step is `firstStep`; returns its number, from 1. */
export function beginAttempt(db: Db, runId: string, firstStep: number, engine: unknown, atMs: number): number {
  const newest = db
    .prepare<[string], { n: number }>('SELECT coalesce(max(attempt), 0) AS n FROM attempts WHERE run_id = ?')
    .get(runId);
  const attempt = (newest?.n ?? 0) + 1;
  db.prepare(
    `INSERT INTO attempts (run_id, attempt, first_step, last_step, started_at_ms, engine_json, columns_json)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  ).run(runId, attempt, firstStep, firstStep - 1, atMs, JSON.stringify(engine), JSON.stringify(STEP_COLUMNS));
  return attempt;
}

export function endAttempts(db: Db, runId: string, atMs: number): void {
  const open = db
    .prepare<[string], { attempt: number }>('SELECT attempt FROM attempts WHERE run_id = ? AND ended_at_ms IS NULL')
    .all(runId);
  for (const { attempt } of open) {
    closeSeries(db, { runId, attempt });
    db.prepare('UPDATE attempts SET ended_at_ms = ? WHERE run_id = ? AND attempt = ?').run(atMs, runId, attempt);
  }
}

export function insertEpoch(db: Db, runId: string, attempt: number, record: EpochRecord, atMs: number): void {
  db.prepare(
    'INSERT INTO epochs (run_id, epoch, attempt, at_ms, record_json, val_cosine) VALUES (?, ?, ?, ?, ?, ?)',
  ).run(runId, record.epoch, attempt, atMs, JSON.stringify(record), record.valCosine);
}

/** One record an epoch, from the newest attempt that has it. `damaged` gets a sentence for each row that is left out. */
export function listEpochs(db: Db, runId: string, damaged?: string[]): EpochRecord[] {
  const rows = db
    .prepare<[string], { epoch: number; record_json: string }>(
      `SELECT epoch, record_json FROM epochs AS e
       WHERE run_id = ? AND attempt = (SELECT max(attempt) FROM epochs WHERE run_id = e.run_id AND epoch = e.epoch)
       ORDER BY epoch`,
    )
    .all(runId);
  return wholeRows(rows, readEpoch, ({ epoch }) => `The record of epoch ${epoch}`, damaged);
}

/** In milliseconds since 1970. */
export interface RunTimes {
  /** null: the run has not begun. */
  readonly started: number | null;
  /** Ends by epoch, from the newest attempt that has it. */
  readonly epochs: ReadonlyMap<number, number>;
}

export function runTimes(db: Db, runId: string): RunTimes {
  const attempts = db
    .prepare<[string], { started: number | null }>(
      'SELECT min(started_at_ms) AS started FROM attempts WHERE run_id = ?',
    )
    .get(runId);
  const epochs = db
    .prepare<[string], { epoch: number; at_ms: number }>(
      // The value is that of the row with the greatest attempt.
      'SELECT epoch, max(attempt), at_ms FROM epochs WHERE run_id = ? GROUP BY epoch',
    )
    .all(runId);
  return { started: attempts?.started ?? null, epochs: new Map(epochs.map(({ epoch, at_ms }) => [epoch, at_ms])) };
}

function readEpoch({ record_json }: { readonly record_json: string }): EpochRecord {
  const record = readEpochRecord(record_json);
  if (typeof record.epoch !== 'number') throw new Error('a record without its epoch');
  return record;
}

/** Validation cosine of each epoch, from the newest attempt that has it: of one run, or of all by run id. */
export function listValCosines(db: Db, runId: string | null): Map<string, (number | null)[]> {
  const rows = db
    .prepare<string[], { run_id: string; value: number | null }>(
      // The value is that of the row with the greatest attempt.
      `SELECT run_id, max(attempt), val_cosine AS value FROM epochs ${runId === null ? '' : 'WHERE run_id = ?'}
       GROUP BY run_id, epoch ORDER BY run_id, epoch`,
    )
    .all(...(runId === null ? [] : [runId]));
  const lines = new Map<string, (number | null)[]>();
  for (const { run_id, value } of rows) {
    const line = lines.get(run_id);
    if (line === undefined) lines.set(run_id, [value]);
    else line.push(value);
  }
  return lines;
}

export function insertGate(db: Db, runId: string, attempt: number, result: GateResult, atMs: number): void {
  db.prepare(
    `INSERT INTO gates (run_id, attempt, epoch, gate_json, value, passed, broken, message, at_ms)
     VALUES (@runId, @attempt, @epoch, @gate, @value, @passed, @broken, @message, @atMs)`,
  ).run({
    runId,
    attempt,
    epoch: result.epoch,
    gate: JSON.stringify(result.gate),
    value: result.value,
    passed: result.passed ? 1 : 0,
    broken: result.broken ? 1 : 0,
    message: result.message,
    atMs,
  });
}

interface GateRow {
  epoch: number;
  gate_json: string;
  value: number | null;
  passed: number;
  broken: number;
  message: string;
}

/** Gates of the newest attempt that read each epoch. `damaged` gets a sentence for each row that is left out. */
export function listGates(db: Db, runId: string, damaged?: string[]): GateResult[] {
  const rows = db
    .prepare<[string], GateRow>(
      `SELECT epoch, gate_json, value, passed, broken, message FROM gates AS g WHERE run_id = ?
       AND attempt = (SELECT max(attempt) FROM gates WHERE run_id = g.run_id AND epoch = g.epoch) ORDER BY epoch, id`,
    )
    .all(runId);
  return wholeRows(rows, readGate, ({ epoch }) => `A gate of epoch ${epoch}`, damaged);
}

function readGate(row: GateRow): GateResult {
  return {
    type: 'gate',
    gate: GateSchema.parse(JSON.parse(row.gate_json)),
    epoch: row.epoch,
    value: row.value,
    passed: row.passed === 1,
    broken: row.broken === 1,
    message: row.message,
  };
}

export function insertLog(db: Db, runId: string, line: LogLine): void {
  db.prepare('INSERT INTO log (run_id, at_ms, level, message) VALUES (?, ?, ?, ?)').run(
    runId,
    Math.round(line.at),
    line.level,
    line.message,
  );
}

export function listLog(db: Db, runId: string): LogLine[] {
  return db
    .prepare<[string], LogLine>('SELECT at_ms AS at, level, message FROM log WHERE run_id = ? ORDER BY id')
    .all(runId);
}

/** Records a checkpoint; of `last` and `best` only the newest is on disk, so only that row stays. */
export function putCheckpoint(db: Db, runId: string, row: StoredCheckpoint, atMs: number): void {
  if (row.kind !== 'kept') {
    db.prepare('DELETE FROM checkpoints WHERE run_id = ? AND kind = ?').run(runId, row.kind);
  }
  db.prepare(
    `INSERT OR REPLACE INTO checkpoints (run_id, folder, kind, epoch, step, val_cosine, bytes, sha256, at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(runId, row.folder, row.kind, row.epoch, row.step, row.valCosine, row.bytes, row.sha256, atMs);
}

/** SHA-256 of the weights of each listed checkpoint, by folder. */
export function weightHashes(db: Db, runId: string): Record<string, string> {
  return Object.fromEntries(listCheckpoints(db, runId).map(({ folder, sha256 }) => [folder, sha256]));
}

export function listCheckpoints(db: Db, runId: string): StoredCheckpoint[] {
  return db
    .prepare<[string], StoredCheckpoint>(
      `SELECT folder, kind, epoch, step, val_cosine AS valCosine, bytes, sha256 FROM checkpoints
       WHERE run_id = ? ORDER BY step DESC, at_ms DESC`,
    )
    .all(runId);
}
