/**
 * What a pickle may hold, and the handful of numpy globals whose meaning is built here: arrays, dtypes and scalars.
 * Nothing is looked up by name anywhere else.
 */
import { NextvecError } from '#shared/domain/errors.ts';
import { shortText } from '#shared/domain/short-text.ts';
import { halfToFloat } from '../columns/half.ts';
import { COST, type PickleBudget } from './budget.ts';

const MAX_AXES = 32;

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickledDict
  | PickledArray
  | PickledDType
  | Global
  | ForeignValue;

/** Keys and values side by side: small, and a key such as `__proto__` is just a text. */
export class PickledDict {
  keys: PickleValue[] = [];
  values: PickleValue[] = [];

  set(key: PickleValue, value: PickleValue): void {
    this.keys.push(key);
    this.values.push(value);
  }

  /** Sets key, value, key, value …; an empty dict then holds arrays of exactly that size. */
  assign(items: readonly PickleValue[]): void {
    if (this.keys.length === 0) {
      const size = items.length / 2;
      this.keys = Array.from({ length: size }, (_, i) => items[2 * i]);
      this.values = Array.from({ length: size }, (_, i) => items[2 * i + 1]);
      return;
    }
    for (let i = 0; i < items.length; i += 2) this.set(items[i], items[i + 1]);
  }

  /** The value last set under a key; undefined when there is none. */
  get(key: string): PickleValue | undefined {
    const at = this.keys.lastIndexOf(key);
    return at < 0 ? undefined : this.values[at];
  }
}

/** A numpy array once BUILD has given it its state. */
export class PickledArray {
  shape: readonly number[] = [];
  /** Elements in C order; empty until BUILD. */
  items: readonly PickleValue[] = [];
}

export class PickledDType {
  /** e.g. `i8`, `O8`. */
  readonly code: string;
  littleEndian = true;

  constructor(code: string) {
    this.code = code;
  }
}

/** A type, or a value of one, that a `Vocabulary` made; the reader only carries it. */
export abstract class ForeignValue {
  abstract readonly name: string;
}

/**
 * Globals that a caller adds to numpy's. The caller defines their meaning and builds the values; the reader calls
 * nothing in Python's stead. `undefined` and `null` refuse.
 */
export interface Vocabulary {
  global(module: string, name: string): ForeignValue | null;
  /** REDUCE and NEWOBJ. */
  call(target: ForeignValue, args: readonly PickleValue[]): PickleValue | undefined;
  /** BUILD; whether the state was taken. */
  setState(target: PickleValue, state: PickleValue): boolean;
  /** A reference to something beside the pickle. */
  persistent(id: PickleValue): PickleValue | undefined;
}

type GlobalName =
  'reconstruct' | 'ndarray' | 'dtype' | 'stringDType' | 'scalar' | 'encode' | 'frombuffer' | 'bytearray' | 'bytes';

export class Global {
  readonly name: GlobalName;

  constructor(name: GlobalName) {
    this.name = name;
  }
}

const KNOWN: ReadonlyMap<string, GlobalName> = new Map([
  ['numpy.core.multiarray._reconstruct', 'reconstruct'],
  ['numpy._core.multiarray._reconstruct', 'reconstruct'],
  ['numpy.core.multiarray.scalar', 'scalar'],
  ['numpy._core.multiarray.scalar', 'scalar'],
  ['numpy.core.numeric._frombuffer', 'frombuffer'],
  ['numpy._core.numeric._frombuffer', 'frombuffer'],
  ['numpy.ndarray', 'ndarray'],
  ['numpy.dtype', 'dtype'],
  // StringDType of numpy 2: the elements are a list of strings.
  ['numpy._core._internal._convert_to_stringdtype_kwargs', 'stringDType'],
  ['_codecs.encode', 'encode'],
  ['builtins.bytes', 'bytes'],
  ['__builtin__.bytes', 'bytes'],
  ['builtins.bytearray', 'bytearray'],
]);

export function knownGlobal(module: string, name: string): Global | null {
  const known = KNOWN.get(`${module}.${name}`);
  return known ? new Global(known) : null;
}

/** What calling a known global with these arguments would give. */
export function applyGlobal(target: Global, args: readonly PickleValue[], budget: PickleBudget): PickleValue {
  budget.spend(COST.view);
  switch (target.name) {
    case 'reconstruct':
      return new PickledArray();
    case 'dtype':
      if (typeof args[0] === 'string') return new PickledDType(args[0]);
      break;
    case 'stringDType':
      return new PickledDType('T');
    case 'scalar':
      if (args[0] instanceof PickledDType) return scalar(args[0], args[1] ?? null, budget);
      break;
    case 'encode':
      if (typeof args[0] === 'string') {
        budget.spend(args[0].length);
        return new Uint8Array(Buffer.from(args[0], 'latin1'));
      }
      break;
    case 'bytes':
    case 'bytearray':
      if (args.length === 0) return new Uint8Array(0);
      if (args[0] instanceof Uint8Array) return args[0];
      break;
    case 'frombuffer':
      if (args[0] instanceof Uint8Array && args[1] instanceof PickledDType && Array.isArray(args[2])) {
        const array = new PickledArray();
        fill(array, { shape: args[2], dtype: args[1], data: args[0], isFortran: false }, budget);
        return array;
      }
      break;
    case 'ndarray':
      break;
  }
  throw refused(budget.place, `numpy's ${target.name} has arguments that are not understood`);
}

/** BUILD: the state of a dtype (version, byte order, ...) or of an array (version, shape, dtype, is_fortran, data). */
export function setState(target: PickledArray | PickledDType, state: PickleValue, budget: PickleBudget): void {
  if (!Array.isArray(state)) throw refused(budget.place, 'a numpy state is not a tuple');
  if (target instanceof PickledDType) {
    target.littleEndian = state[1] !== '>';
    return;
  }
  const [, shape, dtype, fortran, data] = state;
  if (!Array.isArray(shape) || !(dtype instanceof PickledDType))
    throw refused(budget.place, 'an array state is not understood');
  fill(target, { shape, dtype, data: data ?? null, isFortran: fortran === true }, budget);
}

interface ArrayState {
  readonly shape: readonly PickleValue[];
  readonly dtype: PickledDType;
  /** Bytes, or a list of the elements. */
  readonly data: PickleValue;
  /** First axis fastest. */
  readonly isFortran: boolean;
}

function fill(array: PickledArray, { shape, dtype, data, isFortran }: ArrayState, budget: PickleBudget): void {
  const { place } = budget;
  if (shape.length > MAX_AXES) throw refused(place, 'an array has too many axes');
  const axes = shape.map((n) => (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 ? n : -1));
  const count = axes.reduce((product, n) => product * n, 1);
  if (axes.includes(-1)) throw refused(place, 'an array has an impossible shape');
  if (isFortran && axes.length > 1) throw refused(place, 'an object array in Fortran order is not supported');
  const items = Array.isArray(data) ? data : data instanceof Uint8Array ? numbers(dtype, data, budget) : null;
  if (!items || items.length !== count) throw refused(place, 'an array does not have the elements its shape needs');
  array.shape = axes;
  array.items = items;
}

function scalar(dtype: PickledDType, data: PickleValue, budget: PickleBudget): PickleValue {
  const { place } = budget;
  if (dtype.code.startsWith('O')) return data;
  const bytes = typeof data === 'string' ? new Uint8Array(Buffer.from(data, 'latin1')) : data;
  if (!(bytes instanceof Uint8Array)) throw refused(place, 'a numpy scalar has no bytes');
  const items = numbers(dtype, bytes, budget);
  if (items.length !== 1) throw refused(place, 'a numpy scalar has the wrong size');
  return items[0];
}

interface ElementType {
  /** numpy's letter: i, u, f, b, U, S or ?. */
  readonly kind: string;
  /** Bytes of one element. */
  readonly size: number;
  readonly littleEndian: boolean;
}

function numbers(dtype: PickledDType, bytes: Uint8Array, budget: PickleBudget): PickleValue[] {
  const { place } = budget;
  const match = /^([iufbUS?])(\d*)$/.exec(dtype.code.replace(/^[<>|=]/, ''));
  if (!match) throw refused(place, `elements of numpy type ${JSON.stringify(shortText(dtype.code))} are not supported`);
  const [, kind, digits] = match;
  const size = (kind === 'U' ? 4 : 1) * Number(digits || '1');
  if (size === 0 || bytes.length % size !== 0) throw refused(place, 'an array has a broken element');
  budget.spend(bytes.length + (bytes.length / size) * COST.item);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type: ElementType = { kind, size, littleEndian: dtype.littleEndian };
  const items: PickleValue[] = [];
  for (let at = 0; at < bytes.length; at += size) items.push(element(view, at, type, place));
  return items;
}

function element(view: DataView, at: number, type: ElementType, place: string): PickleValue {
  const { kind, size, littleEndian: little } = type;
  if (kind === 'b' || kind === '?') return view.getUint8(at) !== 0;
  if (kind === 'U' || kind === 'S') return text(view, at, type);
  switch (`${kind}${size}`) {
    case 'i1':
      return view.getInt8(at);
    case 'u1':
      return view.getUint8(at);
    case 'i2':
      return view.getInt16(at, little);
    case 'u2':
      return view.getUint16(at, little);
    case 'i4':
      return view.getInt32(at, little);
    case 'u4':
      return view.getUint32(at, little);
    case 'i8':
      return Number(view.getBigInt64(at, little));
    case 'u8':
      return Number(view.getBigUint64(at, little));
    case 'f2': {
      const out = new Float32Array(1);
      halfToFloat(Uint16Array.of(view.getUint16(at, little)), 0, out, 0, 1);
      return out[0];
    }
    case 'f4':
      return view.getFloat32(at, little);
    case 'f8':
      return view.getFloat64(at, little);
    default:
      throw refused(place, `numbers of ${size} bytes are not supported`);
  }
}

function text(view: DataView, at: number, { kind, size, littleEndian }: ElementType): string {
  let result = '';
  for (let i = 0; i < size; i += kind === 'U' ? 4 : 1) {
    const point = kind === 'U' ? view.getUint32(at + i, littleEndian) : view.getUint8(at + i);
    result += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
  }
  return result.replace(/\0+$/, '');
}

function refused(place: string, why: string): NextvecError {
  return new NextvecError('METADATA_REFUSED', `${place}: the pickle was refused: ${why}.`, {
    remedy: 'Write the metadata as a list of plain dicts.',
  });
}
