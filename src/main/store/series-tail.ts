/**
 * The step series of one attempt: full chunks in `series_chunks`, and before that a tail of flushed blocks in
 * `series_tail`. Steps are 1-based; chunk c holds the steps with index (step − 1) in [c·4096, (c + 1)·4096).
 */
import type { Db } from './database.ts';
import { fromJson } from './stored-json.ts';

export interface AttemptKey {
  readonly runId: string;
  readonly attempt: number;
}

/** Steps of one attempt, columns in the order of the attempt's `columns_json`. */
interface TailRow {
  first_step: number;
  steps: number;
  data: Buffer;
}

/** The blob as float32: a view where its bytes are aligned, else a copy. */
export function floats(blob: Buffer): Float32Array {
  if (blob.byteOffset % 4 === 0) return new Float32Array(blob.buffer, blob.byteOffset, blob.byteLength / 4);
  return new Float32Array(new Uint8Array(blob).buffer);
}

/** The bytes of `values`, not copied. */
export function bytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** All blocks of a tail as one. */
export interface Tail {
  readonly firstStep: number;
  readonly steps: number;
  /** Values of the c-th column of the attempt, [steps]. */
  column(c: number): Float32Array<ArrayBuffer>;
}

/** null: the tail is empty. */
export function readTail(db: Db, key: AttemptKey): Tail | null {
  const rows = db
    .prepare<[string, number], TailRow>(
      'SELECT first_step, steps, data FROM series_tail WHERE run_id = ? AND attempt = ? ORDER BY first_step',
    )
    .all(key.runId, key.attempt);
  if (rows.length === 0) return null;
  const steps = rows.reduce((sum, row) => sum + row.steps, 0);
  const parts = rows.map((row) => ({ steps: row.steps, values: floats(row.data) }));
  return {
    firstStep: rows[0].first_step,
    steps,
    column(c) {
      const values = new Float32Array(steps);
      let at = 0;
      for (const part of parts) {
        values.set(part.values.subarray(c * part.steps, (c + 1) * part.steps), at);
        at += part.steps;
      }
      return values;
    },
  };
}

/** Names of the columns an attempt stores, in order. */
export function attemptColumns(db: Db, key: AttemptKey): string[] {
  const row = db
    .prepare<[string, number], { columns_json: string }>(
      'SELECT columns_json FROM attempts WHERE run_id = ? AND attempt = ?',
    )
    .get(key.runId, key.attempt);
  return row === undefined ? [] : fromJson(row.columns_json);
}

/** Columns that any attempt of a run has stored, of this or another version. */
export function storedColumns(db: Db, runId: string): string[] {
  const rows = db
    .prepare<[string], { name: string }>(
      `SELECT value AS name FROM attempts, json_each(columns_json) WHERE run_id = ?
       GROUP BY value ORDER BY min(attempt), min(key)`,
    )
    .all(runId);
  return rows.map(({ name }) => name);
}
