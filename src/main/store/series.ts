/** Reads step series at the resolution a chart has pixels for. Not here: the merging of values (`pyramid.ts`). */
import type { Statement } from 'better-sqlite3';
import type { Series } from '#shared/contract/runs.ts';
import type { Db } from './database.ts';
import { Buckets, CHUNK_STEPS, bucketSteps, chooseWidth, levelSlice } from './pyramid.ts';
import { attemptColumns, floats, readTail, type Tail } from './series-tail.ts';

/** Steps [first, last] that are read from one attempt. */
interface Segment {
  readonly attempt: number;
  readonly first: number;
  readonly last: number;
}

/** Which attempt each step is read from: the newest one that has it. */
function segmentsOf(db: Db, runId: string): Segment[] {
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
    const into = new Buckets(points, width, origin);
    for (const reader of readers) reader.mergeInto(into, column, level);
    if (width > 1) {
      series.min[column] = into.min;
      series.max[column] = into.max;
    }
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

  mergeInto(into: Buckets, column: string, level: number): void {
    const first = this.segment.first - 1;
    const end = this.segment.last;
    const tailFirst = this.tail === null ? end : Math.max(first, Math.min(end, this.tail.firstStep - 1));
    this.mergeChunks(into, column, level, first, tailFirst);
    const c = this.columns.indexOf(column);
    if (this.tail === null || c < 0 || tailFirst >= end) return;
    const skip = this.tail.firstStep - 1;
    into.mergeRaw(this.tail.column(c).subarray(tailFirst - skip, end - skip), tailFirst);
  }

  /** Indices [first, end) from chunk rows. */
  private mergeChunks(into: Buckets, column: string, level: number, first: number, end: number): void {
    if (first >= end) return;
    const steps = bucketSteps(level);
    const wholeFirst = Math.ceil(first / steps) * steps;
    const wholeEnd = Math.floor(end / steps) * steps;
    if (level > 0 && wholeFirst >= wholeEnd) {
      this.mergeChunks(into, column, level - 1, first, end);
      return;
    }
    if (level > 0) this.mergeChunks(into, column, level - 1, first, wholeFirst);
    this.mergeWhole(into, column, level, wholeFirst, wholeEnd);
    if (level > 0) this.mergeChunks(into, column, level - 1, wholeEnd, end);
  }

  /** Indices [first, end), both multiples of the level's bucket. */
  private mergeWhole(into: Buckets, column: string, level: number, first: number, end: number): void {
    const firstChunk = Math.floor(first / CHUNK_STEPS);
    const chunks = Math.floor((end - 1) / CHUNK_STEPS) + 1 - firstChunk;
    const found = this.joined(level).get(this.runId, this.segment.attempt, column, firstChunk, firstChunk + chunks - 1);
    if (found === undefined || found.chunks === 0) return;
    if (found.chunks < chunks) {
      // Chunks are missing in between; later ones keep their position.
      const middle = (firstChunk + (chunks >> 1)) * CHUNK_STEPS;
      this.mergeWhole(into, column, level, first, middle);
      this.mergeWhole(into, column, level, middle, end);
      return;
    }
    const values = floats(found.data);
    const skip = first - firstChunk * CHUNK_STEPS;
    if (level === 0) {
      into.mergeRaw(values.subarray(skip, skip + end - first), first);
      return;
    }
    const steps = bucketSteps(level);
    into.mergeLevel(levelSlice(values, skip / steps, (end - first) / steps), first, level);
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
