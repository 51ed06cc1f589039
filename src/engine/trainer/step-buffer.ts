/** Collects per-step figures as columns until they are sent, at most ten times a second. */
import { TERMS, TERM_COUNT, type LossConfig } from '#shared/domain/models/terms.ts';
import { recordOf } from '#shared/domain/records.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import type { StepStats } from '../types.ts';
import { sharesOf, weightedValues } from './epoch-sums.ts';

const FLUSH_INTERVAL_MS = 100;
/** The speed shown is a mean over at least this long. */
const SPEED_WINDOW_MS = 1000;

/** Names of the columns of each term, made once: they are looked up at every step. */
const VALUES = TERMS.map((term) => `value/${term}` as const);
const SHARES = TERMS.map((term) => `share/${term}` as const);
const GRAD_SHARES = TERMS.map((term) => `gradShare/${term}` as const);

type Columns = Record<StepColumn, Float32Array<ArrayBuffer>>;

export class StepBuffer {
  private columns = emptyColumns(64);
  private count = 0;
  private firstStep = 0;
  private flushedAtMs = -Infinity;
  /** Rows trained on up to a moment, oldest first; cleared by a pause. */
  private speedMarks: { atMs: number; rows: number }[] = [];
  private rows = 0;

  add(step: number, lr: number, rows: number, loss: LossConfig, stats: StepStats): void {
    if (this.count === this.columns.total.length) this.columns = grown(this.columns);
    if (this.count === 0) this.firstStep = step;
    const i = this.count++;
    const { columns } = this;
    columns.total[i] = stats.total;
    columns.cosine[i] = stats.cosine;
    columns.gradNorm[i] = stats.gradNorm;
    columns.lr[i] = lr;
    const shares = sharesOf(weightedValues(loss, stats.values));
    const gradShares = sharesOf(stats.gradNorms);
    for (let k = 0; k < TERM_COUNT; k++) {
      const isDefined = !Number.isNaN(stats.values[k]);
      columns[VALUES[k]][i] = stats.values[k];
      columns[SHARES[k]][i] = isDefined ? shares[k] : NaN;
      columns[GRAD_SHARES[k]][i] = isDefined ? gradShares[k] : NaN;
    }
    this.rows += rows;
  }

  isDue(nowMs: number): boolean {
    return this.count > 0 && nowMs - this.flushedAtMs >= FLUSH_INTERVAL_MS;
  }

  /** What was collected since the last call, or null when there is nothing. */
  take(nowMs: number, epoch: number, rowsDone: number, rowsInEpoch: number): StepBlock | null {
    if (this.count === 0) return null;
    const { count, firstStep } = this;
    const columns = mapColumns((column) => this.columns[column].slice(0, count));
    this.count = 0;
    this.flushedAtMs = nowMs;
    const rowsPerSecond = this.speed(nowMs);
    return { type: 'steps', epoch, firstStep, count, columns, rowsPerSecond, rowsDone, rowsInEpoch };
  }

  /** Call when training starts or goes on after a pause or an evaluation. */
  restartSpeed(nowMs: number): void {
    this.speedMarks = [{ atMs: nowMs, rows: this.rows }];
  }

  private speed(nowMs: number): number {
    const marks = this.speedMarks;
    marks.push({ atMs: nowMs, rows: this.rows });
    while (marks.length > 2 && nowMs - marks[1].atMs >= SPEED_WINDOW_MS) marks.shift();
    const seconds = (nowMs - marks[0].atMs) / 1000;
    return seconds > 0 ? (this.rows - marks[0].rows) / seconds : 0;
  }
}

function mapColumns(make: (column: StepColumn) => Float32Array<ArrayBuffer>): Columns {
  return recordOf(STEP_COLUMNS, make);
}

function emptyColumns(capacity: number): Columns {
  return mapColumns(() => new Float32Array(capacity));
}

function grown(columns: Columns): Columns {
  return mapColumns((column) => {
    const larger = new Float32Array(columns[column].length * 2);
    larger.set(columns[column]);
    return larger;
  });
}
