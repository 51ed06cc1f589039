/**
 * The header of a .npy array, versions 1 to 3: a Python dict literal, read by a parser of its own for just the literals
 * numpy writes. Nothing is evaluated. Not here: the elements.
 */
import { NextvecError } from '#shared/domain/errors.ts';
import type { MemberReader } from '../files/bytes.ts';

const MAGIC = '\x93NUMPY';
const MAX_HEADER_BYTES = 1 << 16;
const MAX_AXES = 32;

/** f float, bf bfloat16, i/u integer, b bool, U/S text, O Python objects; `other` is known by name only and not read. */
export type DTypeKind = 'f' | 'bf' | 'i' | 'u' | 'b' | 'U' | 'S' | 'O' | 'other';

export interface DType {
  readonly kind: DTypeKind;
  /** Bytes of one element; 0 for objects and types that are not known. */
  readonly bytes: number;
  readonly littleEndian: boolean;
  /** For messages: `float32`, `datetime64[s]`. */
  readonly label: string;
}

export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  /** Where the elements begin, in bytes from the start of the array's file. */
  readonly dataOffset: number;
}

/** Reads the header from the start of `reader`. */
export async function readNpyHeader(reader: MemberReader, place: string): Promise<NpyHeader> {
  const prefix = new Uint8Array(8);
  if ((await reader.read(prefix)) < 8 || Buffer.from(prefix.subarray(0, 6)).toString('latin1') !== MAGIC) {
    throw bad(place, 'it does not begin like a .npy array');
  }
  const major = prefix[6];
  if (major < 1 || major > 3) throw bad(place, `it is of .npy version ${major}, and 1 to 3 are known`);
  const size = new Uint8Array(major === 1 ? 2 : 4);
  if ((await reader.read(size)) < size.length) throw bad(place, 'the header is cut off');
  const length = Buffer.from(size).readUIntLE(0, size.length);
  if (length > MAX_HEADER_BYTES) throw bad(place, `the header claims ${length} bytes`);
  const text = new Uint8Array(length);
  if ((await reader.read(text)) < length) throw bad(place, 'the header is cut off');
  const header = parseHeaderText(Buffer.from(text).toString(major === 3 ? 'utf8' : 'latin1'), place);
  return { ...header, dataOffset: 8 + size.length + length };
}

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` */
export function parseHeaderText(text: string, place: string): Omit<NpyHeader, 'dataOffset'> {
  const value = new LiteralParser(text, place).parse();
  if (!(value instanceof Map)) throw bad(place, 'the header is not a dict');
  const shape: unknown = value.get('shape');
  const fortran: unknown = value.get('fortran_order');
  if (typeof fortran !== 'boolean') throw bad(place, 'fortran_order is missing');
  if (!Array.isArray(shape) || shape.length > MAX_AXES || !shape.every(isSize))
    throw bad(place, 'the shape is invalid');
  return { dtype: parseDescr(value.get('descr'), place), shape, fortran };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const FLOAT_BYTES = new Set([2, 4, 8]);
const INTEGER_BYTES = new Set([1, 2, 4, 8]);

/** Types that numpy writes and nothing here reads, by the letter of their type string. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  c: 'complex',
  m: 'timedelta64',
  M: 'datetime64',
  V: 'raw bytes (void), as ml_dtypes stores bfloat16',
};

/** numpy's type string, e.g. `<f4`, `>i8`, `|O`, or a list of fields. Unsupported types become `other`; invalid ones throw. */
export function parseDescr(descr: unknown, place: string): DType {
  const other = (label: string): DType => ({ kind: 'other', bytes: 0, littleEndian: true, label });
  if (Array.isArray(descr)) return other('a structured type');
  const match = typeof descr === 'string' ? /^([<>|=]?)([a-zA-Z?])(\d{0,9})(\[\w{1,16}\])?$/.exec(descr) : null;
  if (!match) throw bad(place, 'descr is not an element type');
  const [, order, letter, digits, unit = ''] = match;
  const size = Number(digits || '0');
  const littleEndian = order !== '>';
  if (letter === 'f' && FLOAT_BYTES.has(size))
    return { kind: 'f', bytes: size, littleEndian, label: `float${size * 8}` };
  if (letter === 'i' && INTEGER_BYTES.has(size))
    return { kind: 'i', bytes: size, littleEndian, label: `int${size * 8}` };
  if (letter === 'u' && INTEGER_BYTES.has(size))
    return { kind: 'u', bytes: size, littleEndian, label: `uint${size * 8}` };
  if (letter === 'b' || letter === '?') return { kind: 'b', bytes: 1, littleEndian, label: 'bool' };
  if (letter === 'U') return { kind: 'U', bytes: size * 4, littleEndian, label: `text of ${size}` };
  if (letter === 'S' || letter === 'a') return { kind: 'S', bytes: size, littleEndian, label: `bytes of ${size}` };
  if (letter === 'O') return { kind: 'O', bytes: 0, littleEndian, label: 'Python objects' };
  if (letter === 'f' || letter === 'i' || letter === 'u')
    return other(`${letter === 'f' ? 'float' : 'int'}${size * 8}`);
  return other(Object.hasOwn(OTHER_TYPES, letter) ? `${OTHER_TYPES[letter]}${unit}` : `type ${descr}`);
}

type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

/** Strings, integers, True/False/None, tuples, lists and dicts with string keys; nothing else exists. */
class LiteralParser {
  private readonly text: string;
  private readonly place: string;
  private at = 0;

  constructor(text: string, place: string) {
    this.text = text;
    this.place = place;
  }

  parse(): Literal {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) throw this.fail();
    return value;
  }

  private value(depth: number): Literal {
    if (depth > 8) throw this.fail();
    this.space();
    const c = this.text[this.at];
    if (c === '{') return this.dict(depth);
    if (c === '(') return this.sequence(')', depth);
    if (c === '[') return this.sequence(']', depth);
    if (c === "'" || c === '"') return this.string(c);
    const word = /[-+]?\d+L?|True|False|None/y;
    word.lastIndex = this.at;
    const match = word.exec(this.text);
    if (!match) throw this.fail();
    this.at += match[0].length;
    if (match[0] === 'None') return null;
    if (match[0] === 'True' || match[0] === 'False') return match[0] === 'True';
    return Number(match[0].replace('L', ''));
  }

  private dict(depth: number): Map<string, Literal> {
    const result = new Map<string, Literal>();
    this.at++;
    while (!this.take('}')) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' || !this.take(':')) throw this.fail();
      result.set(key, this.value(depth + 1));
      if (!this.take(',') && !this.peek('}')) throw this.fail();
    }
    return result;
  }

  private sequence(end: string, depth: number): Literal[] {
    const result: Literal[] = [];
    this.at++;
    while (!this.take(end)) {
      result.push(this.value(depth + 1));
      if (!this.take(',') && !this.peek(end)) throw this.fail();
    }
    return result;
  }

  private string(quote: string): string {
    const end = this.text.indexOf(quote, this.at + 1);
    if (end < 0) throw this.fail();
    const value = this.text.slice(this.at + 1, end);
    if (value.includes('\\')) throw this.fail();
    this.at = end + 1;
    return value;
  }

  private space(): void {
    while (' \t\r\n\0'.includes(this.text[this.at] ?? '?')) this.at++;
  }

  private peek(c: string): boolean {
    this.space();
    return this.text[this.at] === c;
  }

  private take(c: string): boolean {
    if (!this.peek(c)) return false;
    this.at++;
    return true;
  }

  private fail(): NextvecError {
    return bad(this.place, `the header cannot be read at character ${this.at}`);
  }
}

function bad(place: string, why: string): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${place}: the .npy header is wrong: ${why}.`, {
    remedy: 'Write the array anew with numpy.save or numpy.savez.',
  });
}
