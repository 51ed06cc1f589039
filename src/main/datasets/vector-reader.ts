/**
 * Reads stored vectors by id as float32: consecutive ids are read with one call; caching is left to the operating system.
 * D vector width. Synchronous, because a batch needs its rows now.
 */
import { closeSync, readSync } from 'node:fs';
import { NextvecError } from '#shared/domain/errors.ts';
import { halfToFloat } from '../formats/columns/half.ts';
import { openRegularFileSync } from '../formats/files/regular-file.ts';
import { BYTES_PER_ELEMENT, type StoreDType } from './vector-store.ts';

export class VectorReader {
  readonly D: number;
  readonly vectors: number;
  readonly dtype: StoreDType;
  readonly path: string;
  private readonly fd: number;
  private halves = new Uint16Array(0);

  constructor(path: string, D: number, vectors: number, dtype: StoreDType) {
    this.D = D;
    this.vectors = vectors;
    this.dtype = dtype;
    this.path = path;
    this.fd = openRegularFileSync(path).fd;
  }

  /** Overwrites out[0 .. ids.length·D) with the vectors `ids`. */
  gather(ids: Uint32Array, out: Float32Array): void {
    eachRun(ids, (at, first, count) => this.range(first, count, out, at * this.D));
  }

  /** The vectors `ids` as they are stored, in a new array. */
  gatherRaw(ids: Uint32Array): Uint8Array<ArrayBuffer> {
    const rowBytes = this.D * BYTES_PER_ELEMENT[this.dtype];
    const out = new Uint8Array(ids.length * rowBytes);
    eachRun(ids, (at, first, count) => this.readRaw(first, count, out.subarray(at * rowBytes)));
    return out;
  }

  /** Overwrites out[outStart ...] with vectors first .. first + count. */
  range(first: number, count: number, out: Float32Array, outStart = 0): void {
    const elements = count * this.D;
    const bytes = elements * BYTES_PER_ELEMENT[this.dtype];
    const position = first * this.D * BYTES_PER_ELEMENT[this.dtype];
    if (this.dtype === 'float32') {
      this.fill(out.subarray(outStart, outStart + elements), bytes, position);
      return;
    }
    if (this.halves.length < elements) this.halves = new Uint16Array(elements);
    this.fill(this.halves, bytes, position);
    halfToFloat(this.halves, 0, out, outStart, elements);
  }

  /** Overwrites `into` with vectors first .. first + count as they are stored. */
  readRaw(first: number, count: number, into: Uint8Array): void {
    const rowBytes = this.D * BYTES_PER_ELEMENT[this.dtype];
    this.fill(into, count * rowBytes, first * rowBytes);
  }

  close(): void {
    closeSync(this.fd);
  }

  private fill(into: NodeJS.ArrayBufferView, bytes: number, position: number): void {
    for (let done = 0; done < bytes;) {
      const read = readSync(this.fd, into, done, bytes - done, position + done);
      if (read === 0) {
        throw new NextvecError(
          'STORE_DAMAGED',
          `${this.path} ends at byte ${position + done}, before its vectors do.`,
          {
            remedy: 'Import the file again; it takes the place of the damaged set.',
          },
        );
      }
      done += read;
    }
  }
}

/** Runs of consecutive ids, the first of each at ids[at]. */
function eachRun(ids: Uint32Array, visit: (at: number, first: number, count: number) => void): void {
  for (let at = 0; at < ids.length;) {
    let count = 1;
    while (at + count < ids.length && ids[at + count] === ids[at] + count) count++;
    visit(at, ids[at], count);
    at += count;
  }
}
