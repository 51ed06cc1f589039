/** Appends steps to the series of a live attempt, a flush at a time, and packs full chunks. */
import { STEP_COLUMNS, type StepBlock } from '#shared/domain/runs/training.ts';
import type { Db } from './database.ts';
import { CHUNK_STEPS, packLevel } from './pyramid.ts';
import { attemptColumns, bytes, readTail, type AttemptKey } from './series-tail.ts';

export type Steps = Pick<StepBlock, 'firstStep' | 'count' | 'columns'>;

/**
 * Appends blocks to a live attempt. Steps must go on where the attempt's last step ended; the caller holds
 * the transaction. Full chunks move from the tail into chunk rows at once.
 */
export function appendSteps(db: Db, key: AttemptKey, blocks: readonly Steps[]): void {
  if (blocks.length === 0) return;
  const steps = blocks.reduce((sum, block) => sum + block.count, 0);
  const firstStep = blocks[0].firstStep;
  const data = new Float32Array(STEP_COLUMNS.length * steps);
  STEP_COLUMNS.forEach((column, c) => {
    let at = c * steps;
    for (const block of blocks) {
      data.set(block.columns[column], at);
      at += block.count;
    }
  });
  const updated = db
    .prepare('UPDATE attempts SET last_step = ? WHERE run_id = ? AND attempt = ? AND last_step = ?')
    .run(firstStep + steps - 1, key.runId, key.attempt, firstStep - 1);
  if (updated.changes !== 1) {
    throw new Error(`steps from ${firstStep} do not continue attempt ${key.attempt} of run ${key.runId}`);
  }
  insertTail(db, key, { firstStep, steps, data });
  packFullChunks(db, key, false);
}

/** Packs the rest of an ended attempt's tail into a last chunk, padded with NaN. */
export function closeSeries(db: Db, key: AttemptKey): void {
  packFullChunks(db, key, true);
}

interface Range {
  /** Step indices [first, end). */
  readonly first: number;
  readonly end: number;
}

function tailRange(db: Db, key: AttemptKey): Range | null {
  const bounds = db
    .prepare<[string, number], { first: number | null; end: number | null }>(
      'SELECT min(first_step) AS first, max(first_step + steps) AS end FROM series_tail WHERE run_id = ? AND attempt = ?',
    )
    .get(key.runId, key.attempt);
  return bounds?.first == null || bounds.end == null ? null : { first: bounds.first - 1, end: bounds.end - 1 };
}

/** Moves full chunks of the tail into chunk rows; `all`: the last, partial chunk as well. */
function packFullChunks(db: Db, key: AttemptKey, all: boolean): void {
  const range = tailRange(db, key);
  if (range === null) return;
  const packedEnd = all ? range.end : Math.floor(range.end / CHUNK_STEPS) * CHUNK_STEPS;
  if (packedEnd <= range.first) return;
  const tail = readTail(db, key);
  if (tail === null) return;
  const columns = attemptColumns(db, key);
  db.prepare('DELETE FROM series_tail WHERE run_id = ? AND attempt = ?').run(key.runId, key.attempt);
  const restSteps = range.end - packedEnd;
  const rest = new Float32Array(columns.length * restSteps);
  columns.forEach((column, c) => {
    const values = tail.column(c);
    insertChunks(db, key, column, values, { first: range.first, end: packedEnd });
    rest.set(values.subarray(packedEnd - range.first), c * restSteps);
  });
  if (restSteps > 0) insertTail(db, key, { firstStep: packedEnd + 1, steps: restSteps, data: rest });
}

/** Inserts the steps of `range` as chunk rows with their pyramid; `values` begin at `range.first`. */
function insertChunks(db: Db, key: AttemptKey, column: string, values: Float32Array, range: Range): void {
  const insert = db.prepare(
    'INSERT INTO series_chunks (run_id, attempt, "column", chunk, level3, level2, level1, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  for (let index = range.first; index < range.end;) {
    const chunk = Math.floor(index / CHUNK_STEPS);
    const end = Math.min((chunk + 1) * CHUNK_STEPS, range.end);
    const raw = new Float32Array(CHUNK_STEPS).fill(Number.NaN);
    raw.set(values.subarray(index - range.first, end - range.first), index - chunk * CHUNK_STEPS);
    const [level1, level2, level3] = [1, 2, 3].map((level) => bytes(packLevel(raw, level)));
    insert.run(key.runId, key.attempt, column, chunk, level3, level2, level1, bytes(raw));
    index = end;
  }
}

interface TailBlock {
  readonly firstStep: number;
  readonly steps: number;
  /** [columns, steps] */
  readonly data: Float32Array;
}

function insertTail(db: Db, key: AttemptKey, { firstStep, steps, data }: TailBlock): void {
  db.prepare('INSERT INTO series_tail (run_id, attempt, first_step, steps, data) VALUES (?, ?, ?, ?, ?)').run(
    key.runId,
    key.attempt,
    firstStep,
    steps,
    bytes(data),
  );
}
