/** An array of integers (article and chunk numbers) as numbers, any width and byte order. */
import type { StoredArray } from './stored-array.ts';
import { MemberReader } from '../files/bytes.ts';
import { halfToFloat } from './half.ts';
import { elementsOf, type ReadOptions } from './table.ts';
import { notAnInteger } from './value-errors.ts';

const BLOCK_BYTES = 1 << 20;

/** Integers beyond 2^53 and floats with a fraction are refused: float64 cannot tell neighbouring ones apart. */
export async function readIntegers(array: StoredArray, options: ReadOptions = {}): Promise<Float64Array> {
  const { dtype, place, member } = array;
  const size = dtype.bytes;
  const values = new Float64Array(elementsOf(array));
  const block = new Uint8Array(Math.min(BLOCK_BYTES, values.length * size));
  const read = elementReader(new DataView(block.buffer), dtype.kind, size, dtype.littleEndian);
  const reader = new MemberReader(member, options.signal);
  try {
    await reader.read(new Uint8Array(array.dataOffset));
    for (let done = 0; done < values.length;) {
      const count = (await reader.read(block)) / size;
      for (let i = 0; i < count; i++) {
        const value = read(i * size);
        if (!Number.isSafeInteger(value)) throw notAnInteger(`${place}: element ${done + i}`, value);
        values[done + i] = value;
      }
      done += count;
    }
  } finally {
    await reader.close();
  }
  return values;
}

function elementReader(view: DataView, kind: string, size: number, little: boolean): (at: number) => number {
  switch (`${kind}${size}`) {
    case 'i1':
      return (at) => view.getInt8(at);
    case 'i2':
      return (at) => view.getInt16(at, little);
    case 'i4':
      return (at) => view.getInt32(at, little);
    case 'i8':
      return (at) => Number(view.getBigInt64(at, little));
    case 'u1':
      return (at) => view.getUint8(at);
    case 'u2':
      return (at) => view.getUint16(at, little);
    case 'u4':
      return (at) => view.getUint32(at, little);
    case 'u8':
      return (at) => Number(view.getBigUint64(at, little));
    case 'f2': {
      const value = new Float32Array(1);
      return (at) => {
        halfToFloat(Uint16Array.of(view.getUint16(at, little)), 0, value, 0, 1);
        return value[0];
      };
    }
    case 'f4':
      return (at) => view.getFloat32(at, little);
    case 'f8':
      return (at) => view.getFloat64(at, little);
    default:
      throw new Error(`no integers of type ${kind}${size}`);
  }
}

/** The parts one after the other, in a new array. */
export function concatenate(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
