/** A one-axis array of integers (article and chunk numbers) as numbers, any width and byte order. */
import { NextvecError } from '#shared/domain/errors.ts';
import { elements, type ArrayInfo } from './arrays.ts';
import { readWhole } from './bytes.ts';

const MAX_BYTES = 1 << 30;

/** Integers beyond 2^53 and floats with a fraction are refused: they cannot be told apart as numbers. */
export async function readIntegers(array: ArrayInfo): Promise<Float64Array> {
  const { dtype, place } = array;
  const { kind, bytes: size, littleEndian } = dtype;
  if (kind !== 'i' && kind !== 'u' && kind !== 'f') {
    throw new NextvecError('UNSUPPORTED_DTYPE', `${place}: integers were expected, this is ${dtype.label}.`, {
      remedy: 'Number articles and chunks with integers.',
    });
  }
  const all = await readWhole(array.member, MAX_BYTES);
  const view = new DataView(all.buffer, all.byteOffset + array.dataOffset);
  const values = new Float64Array(elements(array));
  const read = elementReader(view, kind, size, littleEndian);
  for (let i = 0; i < values.length; i++) {
    const value = read(i * size);
    if (!Number.isSafeInteger(value)) throw outOfRange(place, i, value);
    values[i] = value;
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
    case 'f4':
      return (at) => view.getFloat32(at, little);
    case 'f8':
      return (at) => view.getFloat64(at, little);
    default:
      return () => NaN;
  }
}

function outOfRange(place: string, index: number, value: number): NextvecError {
  return new NextvecError('OUT_OF_RANGE', `${place}: element ${index} is ${value}, not an integer below 2^53.`, {
    remedy: 'Number articles and chunks with integers.',
  });
}
