/**
 * A growing run in bounded memory: raw steps at first, and whenever the buffer is full the time resolution halves, by
 * merging neighbours into one point with smallest, largest and mean value. Holds a run of any length from its first
 * step to its last; details of a zoomed stretch come from the server. Not here: fetching, drawing.
 * Room is made as it is needed: what a page takes when it opens, the collector is the sooner due for.
 * Dimensions: n points held, R points there is room for, C capacity in points.
 */
import { rawPoints, type Points, type ReducedSeries } from './columns.ts';

/** Each [R]. One array for all three while every point is one raw value. */
interface Column {
  min: Float32Array;
  max: Float32Array;
  mean: Float32Array;
}

const FIRST_ROOM = 256;

export class SeriesBuffer {
  readonly #names: readonly string[];
  readonly #columns: ReadonlyMap<string, Column>;
  /** First step of each point, and how many steps it stands for. [R] */
  #step: Float64Array;
  #span: Float64Array;
  readonly #capacity: number;
  #length = 0;
  #stepsPerPoint = 1;
  /** Some point stands for more than one step. */
  #reduced = false;

  constructor(names: readonly string[], capacity = 8192) {
    this.#names = names;
    this.#capacity = capacity;
    const room = Math.min(FIRST_ROOM, capacity);
    this.#step = new Float64Array(room);
    this.#span = new Float64Array(room);
    const column = (mean: Float32Array): Column => ({ min: mean, max: mean, mean });
    this.#columns = new Map(names.map((name) => [name, column(new Float32Array(room))]));
  }

  get length(): number {
    return this.#length;
  }

  /** Steps a full point stands for; points of a seeded stretch may stand for more. */
  get stepsPerPoint(): number {
    return this.#stepsPerPoint;
  }

  /** Last step held; -Infinity when empty. */
  get lastStep(): number {
    const n = this.#length;
    return n === 0 ? -Infinity : this.#step[n - 1] + this.#span[n - 1] - 1;
  }

  get firstStep(): number {
    return this.#length === 0 ? Infinity : this.#step[0];
  }

  clear(): void {
    this.#length = 0;
    this.#stepsPerPoint = 1;
    this.#reduced = false;
  }

  /** Starts over from a reduced series that ends with `lastStep`; steps added later are raw again. */
  seed(series: ReducedSeries, lastStep: number): void {
    this.clear();
    const { step } = series;
    const n = step.length;
    if (n > this.#capacity) throw new RangeError(`${n} points do not fit into a buffer of ${this.#capacity}.`);
    this.#makeRoom(n);
    this.#length = n;
    this.#step.set(step);
    for (let i = 0; i < n; i++) {
      const end = i + 1 < n ? step[i + 1] : Math.max(step[i] + 1, lastStep + 1);
      this.#span[i] = end - step[i];
    }
    if (series.stepsPerPoint > 1) this.#reduce();
    for (const [name, column] of this.#columns) {
      const mean = series.mean[name];
      if (mean) column.mean.set(mean);
      else column.mean.fill(Number.NaN, 0, n);
      column.min.set(series.min[name] ?? column.mean.subarray(0, n));
      column.max.set(series.max[name] ?? column.mean.subarray(0, n));
    }
  }

  /** Adds consecutive steps; those already held are skipped. Gives the number of steps added. */
  append(firstStep: number, count: number, values: Readonly<Record<string, Float32Array>>): number {
    const skip = Math.max(0, Math.min(count, this.lastStep + 1 - firstStep));
    for (let i = skip; i < count; i++) this.#appendStep(firstStep + i, values, i);
    return count - skip;
  }

  /** Views of one column, valid until the next change. */
  points(name: string): Points {
    const column = this.#columns.get(name);
    if (!column) throw new Error(`No column "${name}" in this series buffer.`);
    const n = this.#length;
    const x = this.#step.subarray(0, n);
    if (!this.#reduced) return rawPoints(x, column.mean.subarray(0, n));
    return { x, mean: column.mean.subarray(0, n), min: column.min.subarray(0, n), max: column.max.subarray(0, n) };
  }

  #appendStep(step: number, values: Readonly<Record<string, Float32Array>>, i: number): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#span[last] + 1 <= this.#stepsPerPoint && step === this.lastStep + 1) {
      for (const [name, column] of this.#columns) merge(column, last, this.#span[last], values[name][i]);
      this.#span[last] += 1;
      return;
    }
    this.#open(step, 1);
    for (const name of this.#names)
      this.#set(name, this.#length - 1, values[name][i], values[name][i], values[name][i]);
  }

  #open(step: number, span: number): void {
    if (this.#length === this.#capacity) this.#compact();
    this.#makeRoom(this.#length + 1);
    this.#step[this.#length] = step;
    this.#span[this.#length] = span;
    this.#length += 1;
  }

  #set(name: string, at: number, min: number, max: number, mean: number): void {
    const column = this.#columns.get(name);
    if (!column) return;
    column.min[at] = min;
    column.max[at] = max;
    column.mean[at] = mean;
  }

  #makeRoom(points: number): void {
    const before = this.#step.length;
    if (points <= before) return;
    const room = Math.min(this.#capacity, Math.max(points, 2 * before));
    const grown = <A extends Float32Array | Float64Array>(array: A, longer: A): A => {
      longer.set(array);
      return longer;
    };
    this.#step = grown(this.#step, new Float64Array(room));
    this.#span = grown(this.#span, new Float64Array(room));
    for (const column of this.#columns.values()) {
      const isOne = column.min === column.mean;
      column.mean = grown(column.mean, new Float32Array(room));
      column.min = isOne ? column.mean : grown(column.min, new Float32Array(room));
      column.max = isOne ? column.mean : grown(column.max, new Float32Array(room));
    }
  }

  /** From now on points may stand for several steps. */
  #reduce(): void {
    this.#reduced = true;
    for (const column of this.#columns.values()) {
      if (column.min !== column.mean) continue;
      column.min = column.mean.slice();
      column.max = column.mean.slice();
    }
  }

  /** Doubles the stretch a point may stand for until at most half of the capacity is in use. */
  #compact(): void {
    this.#reduce();
    while (this.#length > this.#capacity / 2) {
      this.#stepsPerPoint *= 2;
      this.#mergeNeighbours();
    }
  }

  #mergeNeighbours(): void {
    let to = 0;
    for (let from = 1; from < this.#length; from++) {
      const end = this.#step[from] + this.#span[from];
      if (end - this.#step[to] <= this.#stepsPerPoint) {
        for (const column of this.#columns.values()) mergePoints(column, to, this.#span[to], from, this.#span[from]);
        this.#span[to] = end - this.#step[to];
      } else {
        to += 1;
        this.#step[to] = this.#step[from];
        this.#span[to] = this.#span[from];
        for (const column of this.#columns.values()) copyPoint(column, to, from);
      }
    }
    this.#length = to + 1;
  }
}

/** Adds one raw value to a point of `span` steps. */
function merge(column: Column, at: number, span: number, value: number): void {
  if (Number.isNaN(value)) return;
  const before = column.mean[at];
  if (Number.isNaN(before)) {
    column.min[at] = column.max[at] = column.mean[at] = value;
    return;
  }
  if (value < column.min[at]) column.min[at] = value;
  if (value > column.max[at]) column.max[at] = value;
  column.mean[at] = before + (value - before) / (span + 1);
}

function mergePoints(column: Column, to: number, spanTo: number, from: number, spanFrom: number): void {
  const { min, max, mean } = column;
  if (Number.isNaN(mean[from])) return;
  if (Number.isNaN(mean[to])) {
    copyPoint(column, to, from);
    return;
  }
  if (min[from] < min[to]) min[to] = min[from];
  if (max[from] > max[to]) max[to] = max[from];
  mean[to] += ((mean[from] - mean[to]) * spanFrom) / (spanTo + spanFrom);
}

function copyPoint({ min, max, mean }: Column, to: number, from: number): void {
  min[to] = min[from];
  max[to] = max[from];
  mean[to] = mean[from];
}
