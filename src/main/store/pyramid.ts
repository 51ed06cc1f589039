/**
 * The arithmetic of a series' pyramid, without SQL. A step's index is step − 1. Level l ≥ 1 merges 16^l steps into one
 * bucket of [min, max, mean, count] float32; buckets lie on multiples of 16^l of the index, whatever the attempt.
 * NaN means "not measured" and is not counted.
 */

export const CHUNK_STEPS = 4096;
const LEVEL_FACTOR = 16;
/** Levels above the raw values: 16, 256 and 4096 steps a bucket. */
const LEVELS = 3;
const FIELDS = 4;

export function bucketSteps(level: number): number {
  return LEVEL_FACTOR ** level;
}

/** Where values are merged: output point i covers the `width` steps of the indices from origin + i·width on. */
export class Buckets {
  readonly min: Float32Array<ArrayBuffer>;
  readonly max: Float32Array<ArrayBuffer>;
  readonly sum: Float64Array<ArrayBuffer>;
  readonly count: Float64Array<ArrayBuffer>;
  private readonly width: number;
  private readonly origin: number;

  constructor(points: number, width: number, origin: number) {
    this.min = new Float32Array(points).fill(Number.NaN);
    this.max = new Float32Array(points).fill(Number.NaN);
    this.sum = new Float64Array(points);
    this.count = new Float64Array(points);
    this.width = width;
    this.origin = origin;
  }

  /** Merges raw values, the first of which has index `firstIndex`. */
  mergeRaw(raw: Float32Array, firstIndex: number): void {
    for (let i = 0; i < raw.length; i++) {
      const value = raw[i];
      if (Number.isNaN(value)) continue;
      this.merge(this.pointOf(firstIndex + i), value, value, value, 1);
    }
  }

  /** Merges packed buckets of one level, the first of which starts at index `firstIndex`. */
  mergeLevel(packed: Float32Array, firstIndex: number, level: number): void {
    const steps = bucketSteps(level);
    for (let field = 0, index = firstIndex; field < packed.length; field += FIELDS, index += steps) {
      const count = packed[field + 3];
      this.merge(this.pointOf(index), packed[field], packed[field + 1], packed[field + 2] * count, count);
    }
  }

  private pointOf(index: number): number {
    return Math.floor((index - this.origin) / this.width);
  }

  private merge(at: number, min: number, max: number, sum: number, count: number): void {
    if (count === 0) return;
    if (this.count[at] === 0) {
      this.min[at] = min;
      this.max[at] = max;
    } else {
      if (min < this.min[at]) this.min[at] = min;
      if (max > this.max[at]) this.max[at] = max;
    }
    this.sum[at] += sum;
    this.count[at] += count;
  }
}

/** The packed buckets of `level` over one whole chunk of raw values. */
export function packLevel(raw: Float32Array, level: number): Float32Array<ArrayBuffer> {
  const steps = bucketSteps(level);
  const packed = new Float32Array(Math.ceil(raw.length / steps) * FIELDS);
  for (let first = 0, field = 0; first < raw.length; first += steps, field += FIELDS) {
    const end = Math.min(first + steps, raw.length);
    let min = Number.NaN;
    let max = Number.NaN;
    let sum = 0;
    let count = 0;
    for (let i = first; i < end; i++) {
      const value = raw[i];
      if (Number.isNaN(value)) continue;
      // True of the first as well.
      if (!(value >= min)) min = value;
      if (!(value <= max)) max = value;
      sum += value;
      count++;
    }
    packed[field] = min;
    packed[field + 1] = max;
    packed[field + 2] = count === 0 ? Number.NaN : sum / count;
    packed[field + 3] = count;
  }
  return packed;
}

/** The part of packed buckets that begins `from` buckets in and is `length` buckets long. */
export function levelSlice(packed: Float32Array, from: number, length: number): Float32Array {
  return packed.subarray(from * FIELDS, (from + length) * FIELDS);
}

/**
 * Steps an output point merges so that `steps` of them make about `maxPoints`, and the level to read for it. A level that
 * gives down to half as many points is taken: the finer one would mean to read sixteen times as much.
 */
export function chooseWidth(steps: number, maxPoints: number): { width: number; level: number } {
  const wanted = Math.max(1, Math.ceil(steps / maxPoints));
  let level = 0;
  while (level < LEVELS && bucketSteps(level + 1) <= 2 * wanted) level++;
  return { width: Math.ceil(wanted / bucketSteps(level)) * bucketSteps(level), level };
}
