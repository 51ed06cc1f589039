/**
 * Writes the distinct vectors of an import: each is written once to `vectors.bin` and identified by its id. Vectors
 * are looked up by a 64-bit hash of their float32 bits; a match is confirmed by comparing the stored bytes.
 * Memory is bounded by the table (about 50 bytes a vector) and a ring of recent rows. D vector width, V distinct vectors.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { NextvecError } from '#shared/domain/errors.ts';
import { asBytes, writeAll } from '../formats/columns/array-bytes.ts';
import { floatToHalf, halfToFloat } from '../formats/columns/half.ts';

export type StoreDType = 'float32' | 'float16';
export const BYTES_PER_ELEMENT: Readonly<Record<StoreDType, number>> = { float32: 4, float16: 2 };

const FLUSH_BYTES = 2 << 20;
const RING_FLUSHES = 12;
const LOOK_AHEAD_ROWS = 256;
const MAX_VECTORS = 2 ** 31;
/** Syncing gigabytes may take seconds; it does not block other work. */
const sync = promisify(fsync);

type Units = Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Per distinct vector, float64: what the passport needs without reading the vectors again. */
export interface VectorSums {
  /** Σ x */
  readonly sum: Float64Array;
  /** Σ x² */
  readonly squares: Float64Array;
}

export class VectorStoreWriter {
  readonly D: number;
  readonly dtype: StoreDType;
  private readonly fd: number;
  private readonly rowBytes: number;
  private readonly flushRows: number;
  private readonly ringRows: number;
  /** Recent rows, row id r at (r % ringRows)·D; also the write buffer. */
  private readonly ring: Units;
  private readonly encoded: Units;
  private readonly ahead: Units;
  private aheadFirst = 0;
  private aheadRows = 0;
  private lastMiss = -2 * LOOK_AHEAD_ROWS;
  private flushedRows = 0;
  private count = 0;
  private slots = new Uint32Array(1 << 12);
  private hashes = new Uint32Array(2 << 11);
  private sums = new Float64Array(2 << 11);
  /** CRC-32 of what was written. */
  private written = 0;
  private readonly sha256 = createHash('sha256');
  private hashA = 0;
  private hashB = 0;
  private lost = 0;

  /** `maxVectors`: upper bound of the vectors to be added; it sizes the hash table. */
  constructor(path: string, D: number, dtype: StoreDType, maxVectors: number) {
    this.D = D;
    this.dtype = dtype;
    this.rowBytes = D * BYTES_PER_ELEMENT[dtype];
    this.flushRows = Math.max(1, Math.min(maxVectors, Math.floor(FLUSH_BYTES / this.rowBytes)));
    this.ringRows = this.flushRows * Math.min(RING_FLUSHES, Math.ceil(maxVectors / this.flushRows));
    this.ring = this.units(this.ringRows);
    this.encoded = this.units(1);
    this.ahead = this.units(maxVectors > this.ringRows ? LOOK_AHEAD_ROWS : 0);
    this.fd = openSync(path, 'wx+');
  }

  /** Distinct vectors so far. */
  get vectors(): number {
    return this.count;
  }

  /** Values of distinct vectors that are not 0 and are stored as 0, being too small for float16. */
  get valuesLost(): number {
    return this.lost;
  }

  /**
   * Id of the vector at values[start .. start + D). `bits` are the same bytes as uint32. A new vector that is not finite
   * (or does not fit float16: an element too large, or all too small) is refused by throwing what `refuse(element)` gives.
   */
  add(values: Float32Array, bits: Uint32Array, start: number, refuse: (element: number) => Error): number {
    this.hash(bits, start);
    const encoded = this.encode(bits, start);
    const encodedStart = encoded === bits ? start : 0;
    const mask = this.slots.length - 1;
    let slot = (this.hashA ^ (this.hashB >>> 7)) & mask;
    for (; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      const id = this.slots[slot] - 1;
      if (this.hashes[2 * id] !== this.hashA || this.hashes[2 * id + 1] !== this.hashB) continue;
      if (this.isStored(id, encoded, encodedStart)) return id;
    }
    this.measure(values, encoded, encodedStart, start, refuse);
    return this.append(slot, encoded, encodedStart);
  }

  /** CRC-32 of the file, once it is finished. */
  get checksum(): number {
    return this.written;
  }

  /** SHA-256 of the file; once, when it is finished. */
  digest(): string {
    return this.sha256.digest('hex');
  }

  vectorSums(): VectorSums {
    const sum = new Float64Array(this.count);
    const squares = new Float64Array(this.count);
    for (let id = 0; id < this.count; id++) {
      sum[id] = this.sums[2 * id];
      squares[id] = this.sums[2 * id + 1];
    }
    return { sum, squares };
  }

  /** Writes what is buffered, syncs and closes. */
  async finish(): Promise<void> {
    this.flush();
    await sync(this.fd);
    closeSync(this.fd);
  }

  /** Closes without writing; the file is of no use. */
  abandon(): void {
    closeSync(this.fd);
  }

  private units(rows: number): Units {
    return this.dtype === 'float32' ? new Uint32Array(rows * this.D) : new Uint16Array(rows * this.D);
  }

  /** Four lanes of multiply and rotate over the float32 bits, folded into hashA and hashB. */
  private hash(bits: Uint32Array, start: number): void {
    const end = start + this.D;
    let a = 0x9e3779b9;
    let b = 0x85ebca6b;
    let c = 0xc2b2ae35;
    let d = 0x27d4eb2f;
    let i = start;
    for (; i + 4 <= end; i += 4) {
      a = Math.imul(((a << 13) | (a >>> 19)) ^ bits[i], 0x9e3779b1);
      b = Math.imul(((b << 13) | (b >>> 19)) ^ bits[i + 1], 0x85ebca77);
      c = Math.imul(((c << 13) | (c >>> 19)) ^ bits[i + 2], 0xc2b2ae3d);
      d = Math.imul(((d << 13) | (d >>> 19)) ^ bits[i + 3], 0x27d4eb2f);
    }
    for (; i < end; i++) a = Math.imul(((a << 13) | (a >>> 19)) ^ bits[i], 0x9e3779b1);
    const ab = finalise(a ^ ((b << 16) | (b >>> 16)));
    const cd = finalise(c ^ ((d << 16) | (d >>> 16)) ^ Math.imul(b, 0x165667b1));
    this.hashA = (ab + Math.imul(cd, 0x9e3779b1)) >>> 0;
    this.hashB = (cd ^ ((ab << 5) | (ab >>> 27)) ^ Math.imul(a + d, 0x85ebca77)) >>> 0;
  }

  /** The vector in stored form: the very bits for float32, a scratch row for float16. */
  private encode(bits: Uint32Array, start: number): Uint32Array | Uint16Array {
    if (!(this.encoded instanceof Uint16Array)) return bits;
    floatToHalf(bits, start, this.encoded, this.D);
    return this.encoded;
  }

  /** Overwrites `out` [D] with a vector that was added. */
  read(id: number, out: Float32Array): void {
    const { stored, at } = this.placeOf(id);
    if (stored instanceof Uint16Array) halfToFloat(stored, at, out, 0, this.D);
    else out.set(new Float32Array(stored.buffer, stored.byteOffset + 4 * at, this.D));
  }

  /** Where a vector lies now, in the ring or, read from the file, in `ahead`. */
  private placeOf(id: number): { stored: Units; at: number } {
    if (id >= this.count - this.ringRows) return { stored: this.ring, at: (id % this.ringRows) * this.D };
    this.load(id);
    return { stored: this.ahead, at: (id - this.aheadFirst) * this.D };
  }

  private isStored(id: number, encoded: Uint32Array | Uint16Array, encodedStart: number): boolean {
    const { D } = this;
    const { stored, at } = this.placeOf(id);
    for (let d = 0; d < D; d++) if (stored[at + d] !== encoded[encodedStart + d]) return false;
    return true;
  }

  /** Reads row `id` into `ahead`, with the rows after it when access is sequential. */
  private load(id: number): void {
    if (id >= this.aheadFirst && id < this.aheadFirst + this.aheadRows) return;
    const near = Math.abs(id - this.lastMiss) <= LOOK_AHEAD_ROWS;
    const rows = near ? Math.min(LOOK_AHEAD_ROWS, this.flushedRows - id) : 1;
    const bytes = readSync(this.fd, this.ahead, 0, rows * this.rowBytes, id * this.rowBytes);
    if (bytes !== rows * this.rowBytes) throw new NextvecError('INTERNAL', 'A vector that was written cannot be read.');
    this.aheadFirst = id;
    this.aheadRows = rows;
    this.lastMiss = id;
  }

  /** Appends the sums of a new vector; refuses values that are not finite. */
  private measure(
    values: Float32Array,
    encoded: Uint32Array | Uint16Array,
    encodedStart: number,
    start: number,
    refuse: (element: number) => Error,
  ): void {
    const { D } = this;
    let sum = 0;
    let squares = 0;
    for (let i = start; i < start + D; i++) {
      const x = values[i];
      sum += x;
      squares += x * x;
    }
    if (!Number.isFinite(squares)) throw refuse(firstWhere(D, (d) => !Number.isFinite(values[start + d])));
    if (this.dtype === 'float16' && squares >= 65_504 * 65_504) {
      const element = firstWhere(D, (d) => (encoded[encodedStart + d] & 0x7fff) === 0x7c00);
      if (element >= 0) throw refuse(element);
    }
    if (this.dtype === 'float16') this.countLost(values, encoded, encodedStart, start, refuse);
    if (this.sums.length < 2 * (this.count + 1)) this.sums = grown(this.sums, new Float64Array(this.sums.length * 2));
    this.sums[2 * this.count] = sum;
    this.sums[2 * this.count + 1] = squares;
  }

  /** Refuses a vector that would lose its direction. */
  private countLost(
    values: Float32Array,
    encoded: Uint32Array | Uint16Array,
    encodedStart: number,
    start: number,
    refuse: (element: number) => Error,
  ): void {
    let lost = 0;
    let kept = 0;
    for (let d = 0; d < this.D; d++) {
      if ((encoded[encodedStart + d] & 0x7fff) !== 0) kept++;
      else if (values[start + d] !== 0) lost++;
    }
    if (lost > 0 && kept === 0) throw refuse(firstWhere(this.D, (d) => values[start + d] !== 0));
    this.lost += lost;
  }

  private append(slot: number, encoded: Uint32Array | Uint16Array, encodedStart: number): number {
    const { D, count: id } = this;
    if (id >= MAX_VECTORS) throw new NextvecError('OUT_OF_RANGE', `More than ${MAX_VECTORS} distinct vectors.`);
    const at = (id % this.ringRows) * D;
    for (let d = 0; d < D; d++) this.ring[at + d] = encoded[encodedStart + d];
    if (this.hashes.length < 2 * (id + 1)) this.hashes = grown(this.hashes, new Uint32Array(this.hashes.length * 2));
    this.hashes[2 * id] = this.hashA;
    this.hashes[2 * id + 1] = this.hashB;
    this.slots[slot] = id + 1;
    this.count++;
    if (this.count - this.flushedRows === this.flushRows) this.flush();
    if (this.count * 2 > this.slots.length) this.rehash();
    return id;
  }

  /** Buffered rows never wrap around the ring: it holds a whole number of flushes. */
  private flush(): void {
    const rows = this.count - this.flushedRows;
    const start = (this.flushedRows % this.ringRows) * this.D;
    const bytes = this.ring.subarray(start, start + rows * this.D);
    writeAll(this.fd, bytes, this.flushedRows * this.rowBytes);
    this.written = crc32(asBytes(bytes), this.written);
    this.sha256.update(bytes);
    this.flushedRows = this.count;
  }

  private rehash(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let id = 0; id < this.count; id++) {
      let slot = (this.hashes[2 * id] ^ (this.hashes[2 * id + 1] >>> 7)) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = id + 1;
    }
  }
}

function finalise(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function firstWhere(D: number, test: (element: number) => boolean): number {
  for (let d = 0; d < D; d++) if (test(d)) return d;
  return -1;
}

function grown<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
