/**
 * Values of JSON Lines and CSV: what a column holds, judged by its first rows, and one value as a vector, a number or a text.
 * D elements a vector.
 */
import { shortText } from '#shared/domain/short-text.ts';

/** `encoding`: a list of numbers, the same as JSON in a text, or base64 of little-endian float32. */
export type CellType =
  | { readonly kind: 'vector'; readonly D: number; readonly encoding: 'list' | 'json' | 'base64' }
  | { readonly kind: 'number' }
  | { readonly kind: 'text' }
  | { readonly kind: 'other'; readonly label: string };

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const BASE64 = /^[A-Za-z0-9+/]{16,}={0,2}$/;
/** Bytes of random text read as float32 are far from 0 or from 1 in magnitude. */
const MAX_BASE64_VALUE = 1e4;

/** The type that all values have; values that are missing have every type. `lines`: of the values in their file. */
export function cellTypeOf(values: readonly unknown[], lines: readonly number[]): CellType {
  const there = values.filter((value) => !isMissing(value));
  const [first] = there;
  if (first === undefined) return { kind: 'other', label: 'null' };
  const vector = vectorTypeOf(first);
  if (vector !== null && there.every((value) => isVector(value, vector))) return vector;
  const ragged = vector && raggedLabel(values, lines, vector);
  if (ragged !== null) return { kind: 'other', label: ragged };
  if (there.every((value) => !Number.isNaN(numberOf(value)))) return { kind: 'number' };
  if (there.every((value) => typeof value === 'string' || typeof value === 'number')) return { kind: 'text' };
  return { kind: 'other', label: there.map(kindOf).find((kind) => kind !== 'text') ?? 'text' };
}

/** "lists of different lengths: 6 elements in line 1, 5 in line 3"; null: they are something else. */
function raggedLabel(
  values: readonly unknown[],
  lines: readonly number[],
  { D, encoding }: Extract<CellType, { kind: 'vector' }>,
): string | null {
  // Texts that look like base64 may be texts.
  if (encoding === 'base64') return null;
  const lengths = values.map((value) => elementsOf(value, encoding)?.length ?? D);
  const odd = lengths.findIndex((length) => length !== D);
  if (odd < 0) return null;
  const first = values.findIndex((value) => !isMissing(value));
  return `lists of different lengths: ${D} elements in line ${lines[first]}, ${lengths[odd]} in line ${lines[odd]}`;
}

export function typeName(type: CellType): string {
  if (type.kind === 'other') return type.label;
  if (type.kind !== 'vector') return type.kind;
  return type.encoding === 'base64' ? 'base64 of float32' : 'list of numbers';
}

export function isMissing(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list of other things than numbers';
  if (typeof value === 'string') return 'text';
  return typeof value;
}

function vectorTypeOf(value: unknown): Extract<CellType, { kind: 'vector' }> | null {
  for (const encoding of ['list', 'json', 'base64'] as const) {
    const D = elementsOf(value, encoding)?.length ?? 0;
    if (D > 0) return { kind: 'vector', D, encoding };
  }
  return null;
}

function isVector(value: unknown, { D, encoding }: Extract<CellType, { kind: 'vector' }>): boolean {
  const elements = elementsOf(value, encoding);
  if (elements?.length !== D) return false;
  if (encoding !== 'base64') return Array.from(elements).every((x) => !Number.isNaN(numberOf(x)));
  return Array.from(elements).every((x) => Math.abs(Number(x)) < MAX_BASE64_VALUE);
}

function elementsOf(value: unknown, encoding: 'list' | 'json' | 'base64'): ArrayLike<unknown> | null {
  if (encoding === 'list') return Array.isArray(value) ? value : null;
  if (typeof value !== 'string') return null;
  if (encoding === 'json') return /^\s*\[/.test(value) ? parseList(value) : null;
  return BASE64.test(value) ? decodeFloats(value) : null;
}

function parseList(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function decodeFloats(text: string): Float32Array | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0) return null;
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** Overwrites out[at .. at + D). Returns why the value is no such vector, or null. */
export function writeVector(
  value: unknown,
  { D, encoding }: Extract<CellType, { kind: 'vector' }>,
  out: Float32Array,
  at: number,
): string | null {
  const elements = elementsOf(value, encoding);
  if (elements === null) return `is ${quoted(value)}, not a ${typeName({ kind: 'vector', D, encoding })}`;
  if (elements.length !== D) return `has ${elements.length} elements, in the first row there are ${D}`;
  for (let d = 0; d < D; d++) {
    const number = numberOf(elements[d]);
    if (Number.isNaN(number)) return `is no vector: its element ${d} is ${quoted(elements[d])}`;
    out[at + d] = number;
    if (!Number.isFinite(out[at + d])) return `is no vector: its element ${d} is ${number}, too large for float32`;
  }
  return null;
}

/** NaN: it is no number. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : Number.NaN;
}

/** null: it is missing, or neither a text nor a number. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' ? String(value) : null;
}

/** A value as messages quote it. */
export function quoted(value: unknown): string {
  return isMissing(value) ? 'missing' : shortText(JSON.stringify(value) ?? typeof value, 40);
}
