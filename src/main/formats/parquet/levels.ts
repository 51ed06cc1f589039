/**
 * Parquet's hybrid of run lengths and packed bits, which repetition levels, definition levels and dictionary indices are
 * written in. hyparquet's reader of it trusts the stated lengths of runs; this one fills what was asked for and no more.
 */

export interface Decoded {
  readonly values: Uint32Array;
  /** First byte after what was read. */
  readonly end: number;
}

/** `count` values of `width` bits each, at `bytes[at ...]`. Throws RangeError where the bytes end before the values do. */
export function readHybrid(bytes: Uint8Array, at: number, width: number, count: number): Decoded {
  if (width > 32) throw new RangeError(`values of ${width} bits`);
  const values = new Uint32Array(count);
  let end = at;
  for (let done = 0; done < count;) {
    const header = readVarInt(bytes, end);
    end = header.end;
    const isPacked = header.value % 2 === 1;
    // Packed values come in groups of eight.
    const run = Math.min(Math.floor(header.value / 2) * (isPacked ? 8 : 1), count - done);
    if (run === 0) throw new RangeError('an empty run');
    if (isPacked) {
      unpackBits(bytes, end, width, values.subarray(done, done + run));
      end += Math.floor(header.value / 2) * width;
    } else {
      const valueBytes = Math.ceil(width / 8);
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value += byteAt(bytes, end + i) * 2 ** (8 * i);
      values.fill(value, done, done + run);
      end += valueBytes;
    }
    done += run;
  }
  return { values, end };
}

function unpackBits(bytes: Uint8Array, at: number, width: number, out: Uint32Array): void {
  if (at + Math.ceil((out.length * width) / 8) > bytes.length) throw new RangeError('the page ends too early');
  for (let i = 0; i < out.length; i++) {
    let value = 0;
    for (let taken = 0; taken < width;) {
      const bit = i * width + taken;
      const bits = Math.min(8 - (bit % 8), width - taken);
      value += ((bytes[at + (bit >>> 3)] >>> (bit % 8)) & ((1 << bits) - 1)) * 2 ** taken;
      taken += bits;
    }
    out[i] = value;
  }
}

function readVarInt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = byteAt(bytes, at + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  throw new RangeError('a number of more than five bytes');
}

function byteAt(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw new RangeError('the page ends too early');
  return bytes[at];
}
