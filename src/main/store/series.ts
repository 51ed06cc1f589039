/**
 * Per-step series: appended a flush at a time, read at the resolution a chart has pixels for. Steps are 1-based;
 * chunk c of an attempt holds the steps with index (step − 1) in [c·4096, (c + 1)·4096). Not here: the merging itself.
 */
import type { Statement } from 'better-sqlite3';
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS, type StepBlock } from '#shared/domain/runs/training.ts';
import type { Db } from './database.ts';
import {
  CHUNK_STEPS,
  bucketSteps,
  chooseWidth,
  emptyBuckets,
  levelSlice,
  mergeLevel,
  mergeRaw,
  packLevel,
  type Buckets,
} from './pyramid.ts';

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

/** A view where the blob lies aligned, else a copy. */
function floats(blob: Buffer): Float32Array {
  if (blob.byteOffset % 4 === 0) return new Float32Array(blob.buffer, blob.byteOffset, blob.byteLength / 4);
  return new Float32Array(new Uint8Array(blob).buffer);
}

function bytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Appends blocks to a live attempt. Steps must go on where the attempt's last step ended; whoever calls this holds
 * the transaction. Full chunks move from the tail into chunk rows at once.
 */
export function appendSteps(db: Db, key: AttemptKey, blocks: readonly StepBlock[]): void {
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
  db.prepare('INSERT INTO series_tail (run_id, attempt, first_step, steps, data) VALUES (?, ?, ?, ?, ?)').run(
    key.runId,
    key.attempt,
    firstStep,
    steps,
    bytes(data),
  );
  packFullChunks(db, key, false);
}

/** Packs what is left of an attempt's tail, padded with "not measured"; for an attempt that has ended. */
export function closeSeries(db: Db, key: AttemptKey): void {
  packFullChunks(db, key, true);
}

interface Tail {
  readonly firstStep: number;
  readonly steps: number;
  column(c: number): Float32Array<ArrayBuffer>;
}

function readTail(db: Db, key: AttemptKey): Tail | null {
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

function attemptColumns(db: Db, key: AttemptKey): string[] {
  const row = db
    .prepare<[string, number], { columns_json: string }>(
      'SELECT columns_json FROM attempts WHERE run_id = ? AND attempt = ?',
    )
    .get(key.runId, key.attempt);
  return row === undefined ? [] : (JSON.parse(row.columns_json) as string[]);
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

function packFullChunks(db: Db, key: AttemptKey, all: boolean): void {
  const bounds = db
    .prepare<[string, number], { first: number | null; end: number | null }>(
      'SELECT min(first_step) AS first, max(first_step + steps) AS end FROM series_tail WHERE run_id = ? AND attempt = ?',
    )
    .get(key.runId, key.attempt);
  if (bounds?.first == null || bounds.end == null) return;
  const firstIndex = bounds.first - 1;
  const endIndex = bounds.end - 1;
  const packedEnd = all ? endIndex : Math.floor(endIndex / CHUNK_STEPS) * CHUNK_STEPS;
  if (packedEnd <= firstIndex) return;
  const tail = readTail(db, key);
  if (tail === null) return;
  const columns = attemptColumns(db, key);
  const insert = db.prepare(
    'INSERT INTO series_chunks (run_id, attempt, "column", chunk, level3, level2, level1, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  db.prepare('DELETE FROM series_tail WHERE run_id = ? AND attempt = ?').run(key.runId, key.attempt);
  const rest = new Float32Array(columns.length * (endIndex - packedEnd));
  columns.forEach((column, c) => {
    const values = tail.column(c);
    for (let index = firstIndex; index < packedEnd;) {
      const chunk = Math.floor(index / CHUNK_STEPS);
      const end = Math.min((chunk + 1) * CHUNK_STEPS, packedEnd);
      const raw = new Float32Array(CHUNK_STEPS).fill(Number.NaN);
      raw.set(values.subarray(index - firstIndex, end - firstIndex), index - chunk * CHUNK_STEPS);
      const [level1, level2, level3] = [1, 2, 3].map((level) => bytes(packLevel(raw, level)));
      insert.run(key.runId, key.attempt, column, chunk, level3, level2, level1, bytes(raw));
      index = end;
    }
    rest.set(values.subarray(packedEnd - firstIndex), c * (endIndex - packedEnd));
  });
  if (endIndex > packedEnd) {
    db.prepare('INSERT INTO series_tail (run_id, attempt, first_step, steps, data) VALUES (?, ?, ?, ?, ?)').run(
      key.runId,
      key.attempt,
      packedEnd + 1,
      endIndex - packedEnd,
      bytes(rest),
    );
  }
}

/** Steps [first, last] that are read from one attempt. */
interface Segment {
  readonly attempt: number;
  readonly first: number;
  readonly last: number;
}

/** Which attempt each step is read from: the newest one that has it. */
export function segmentsOf(db: Db, runId: string): Segment[] {
  const attempts = db
    .prepare<[string], { attempt: number; first_step: number; last_step: number }>(
      'SELECT attempt, first_step, last_step FROM attempts WHERE run_id = ? AND last_step >= first_step ORDER BY attempt DESC',
    )
    .all(runId);
  let free: { first: number; last: number }[] = [{ first: 1, last: Number.MAX_SAFE_INTEGER }];
  const segments: Segment[] = [];
  for (const { attempt, first_step, last_step } of attempts) {
    const next: { first: number; last: number }[] = [];
    for (const gap of free) {
      const first = Math.max(gap.first, first_step);
      const last = Math.min(gap.last, last_step);
      if (first > last) {
        next.push(gap);
        continue;
      }
      segments.push({ attempt, first, last });
      if (gap.first < first) next.push({ first: gap.first, last: first - 1 });
      if (gap.last > last) next.push({ first: last + 1, last: gap.last });
    }
    free = next;
  }
  return segments.toSorted((a, b) => a.first - b.first);
}

export interface SeriesQuery {
  readonly runId: string;
  readonly columns: readonly string[];
  readonly fromStep: number | null;
  readonly toStep: number | null;
  readonly maxPoints: number;
}

const NO_SERIES: Series = { stepsPerPoint: 1, step: new Float64Array(), min: {}, max: {}, mean: {} };

/** The asked columns between two steps, merged to about `maxPoints` points. */
export function readSeries(db: Db, query: SeriesQuery): Series {
  const segments = segmentsOf(db, query.runId);
  const lastSegment = segments.at(-1);
  if (lastSegment === undefined) return NO_SERIES;
  const from = Math.max(query.fromStep ?? 1, segments[0].first);
  const to = Math.min(query.toStep ?? lastSegment.last, lastSegment.last);
  if (to < from) return NO_SERIES;
  const { width, level } = chooseWidth(to - from + 1, query.maxPoints);
  const origin = Math.floor((from - 1) / width) * width;
  const points = Math.floor((to - 1 - origin) / width) + 1;
  const step = Float64Array.from({ length: points }, (_, i) => Math.max(from, origin + i * width + 1));
  const series: Series = { stepsPerPoint: width, step, min: {}, max: {}, mean: {} };
  const clipped = segments
    .map((s) => ({ ...s, first: Math.max(s.first, from), last: Math.min(s.last, to) }))
    .filter((s) => s.first <= s.last);
  const readers = clipped.map((segment) => new SegmentReader(db, query.runId, segment));
  for (const column of query.columns) {
    const into = emptyBuckets(points);
    for (const reader of readers) reader.mergeInto(into, column, level, width, origin);
    series.min[column] = into.min;
    series.max[column] = into.max;
    series.mean[column] = Float32Array.from(into.sum, (sum, i) =>
      into.count[i] === 0 ? Number.NaN : sum / into.count[i],
    );
  }
  return series;
}

type LevelColumn = 'raw' | 'level1' | 'level2' | 'level3';
const LEVEL_COLUMNS: readonly LevelColumn[] = ['raw', 'level1', 'level2', 'level3'];

/** By run, attempt, column, first and last chunk. */
type JoinedStatement = Statement<[string, number, string, number, number], { chunks: number; data: Buffer }>;

/** Reads one segment: whole buckets of the wanted level, its ragged ends from finer ones, the live tail as it is. */
class SegmentReader {
  private readonly db: Db;
  private readonly runId: string;
  private readonly segment: Segment;
  private readonly tail: Tail | null;
  private readonly columns: readonly string[];
  private readonly statements = new Map<number, JoinedStatement>();

  constructor(db: Db, runId: string, segment: Segment) {
    this.db = db;
    this.runId = runId;
    this.segment = segment;
    const key = { runId, attempt: segment.attempt };
    this.tail = readTail(db, key);
    this.columns = attemptColumns(db, key);
  }

  mergeInto(into: Buckets, column: string, level: number, width: number, origin: number): void {
    const first = this.segment.first - 1;
    const end = this.segment.last;
    const tailFirst = this.tail === null ? end : Math.max(first, Math.min(end, this.tail.firstStep - 1));
    this.mergeChunks(into, column, level, first, tailFirst, width, origin);
    const c = this.columns.indexOf(column);
    if (this.tail === null || c < 0 || tailFirst >= end) return;
    const skip = this.tail.firstStep - 1;
    mergeRaw(into, this.tail.column(c).subarray(tailFirst - skip, end - skip), tailFirst, width, origin);
  }

  /** Indices [first, end) from chunk rows. */
  private mergeChunks(
    into: Buckets,
    column: string,
    level: number,
    first: number,
    end: number,
    width: number,
    origin: number,
  ): void {
    if (first >= end) return;
    const steps = bucketSteps(level);
    const wholeFirst = Math.ceil(first / steps) * steps;
    const wholeEnd = Math.floor(end / steps) * steps;
    if (level > 0 && wholeFirst >= wholeEnd) {
      this.mergeChunks(into, column, level - 1, first, end, width, origin);
      return;
    }
    if (level > 0) this.mergeChunks(into, column, level - 1, first, wholeFirst, width, origin);
    this.mergeWhole(into, column, level, wholeFirst, wholeEnd, width, origin);
    if (level > 0) this.mergeChunks(into, column, level - 1, wholeEnd, end, width, origin);
  }

  /** Indices [first, end), both multiples of the level's bucket. */
  private mergeWhole(
    into: Buckets,
    column: string,
    level: number,
    first: number,
    end: number,
    width: number,
    origin: number,
  ): void {
    const firstChunk = Math.floor(first / CHUNK_STEPS);
    const chunks = Math.floor((end - 1) / CHUNK_STEPS) + 1 - firstChunk;
    const found = this.joined(level).get(this.runId, this.segment.attempt, column, firstChunk, firstChunk + chunks - 1);
    if (found === undefined || found.chunks === 0) return;
    if (found.chunks < chunks) {
      // Chunks are missing in between; what is there must not move into their place.
      const middle = (firstChunk + (chunks >> 1)) * CHUNK_STEPS;
      this.mergeWhole(into, column, level, first, middle, width, origin);
      this.mergeWhole(into, column, level, middle, end, width, origin);
      return;
    }
    const values = floats(found.data);
    const skip = first - firstChunk * CHUNK_STEPS;
    if (level === 0) {
      mergeRaw(into, values.subarray(skip, skip + end - first), first, width, origin);
      return;
    }
    const steps = bucketSteps(level);
    mergeLevel(into, levelSlice(values, skip / steps, (end - first) / steps), first, level, width, origin);
  }

  /** One level of neighbouring chunks as one blob: a row a chunk would cost more than reading them. */
  private joined(level: number): JoinedStatement {
    const known = this.statements.get(level);
    if (known !== undefined) return known;
    const made: JoinedStatement = this.db.prepare(
      `SELECT count(*) AS chunks, CAST(group_concat(data, '') AS BLOB) AS data FROM (
         SELECT CAST(${LEVEL_COLUMNS[level]} AS TEXT) AS data FROM series_chunks
         WHERE run_id = ? AND attempt = ? AND "column" = ? AND chunk BETWEEN ? AND ? ORDER BY chunk)`,
    );
    this.statements.set(level, made);
    return made;
  }
}
