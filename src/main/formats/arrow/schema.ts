/**
 * The fields of an Arrow schema: which of them can be read, and where their nodes and buffers stand in a record batch. A batch
 * lists nodes and buffers of all fields in depth-first order.
 */
import type { Field } from 'apache-arrow/fb/field';
import { FixedSizeList } from 'apache-arrow/fb/fixed-size-list';
import { FloatingPoint } from 'apache-arrow/fb/floating-point';
import { Int } from 'apache-arrow/fb/int';
import { MetadataVersion } from 'apache-arrow/fb/metadata-version';
import { Precision } from 'apache-arrow/fb/precision';
import type { Schema } from 'apache-arrow/fb/schema';
import { Type } from 'apache-arrow/fb/type';
import { Union } from 'apache-arrow/fb/union';
import { UnionMode } from 'apache-arrow/fb/union-mode';
import { LIST_OF_LISTS } from '../columns/table.ts';

export interface NumberType {
  readonly kind: 'i' | 'u' | 'f';
  readonly bytes: number;
}

/** Values without lists. `offsetBytes`: of the offsets of a text. */
export type ValueEncoding =
  | { readonly as: 'numbers'; readonly type: NumberType }
  | { readonly as: 'texts'; readonly offsetBytes: 4 | 8 }
  | { readonly as: 'views' };

export type Encoding =
  | ValueEncoding
  | { readonly as: 'dictionary'; readonly id: bigint; readonly index: NumberType; readonly values: ValueEncoding }
  /** A list of floats a row; `sizes`: of fixed-size lists, which may stand in one another. */
  | { readonly as: 'list'; readonly offsetBytes: 4 | 8; readonly type: NumberType }
  | { readonly as: 'fixed'; readonly sizes: readonly number[]; readonly type: NumberType };

/** Of all fields up to some place. */
export interface Counts {
  readonly nodes: number;
  /** Without the variadic ones. */
  readonly buffers: number;
  /** Fields that have a variadic number of buffers. */
  readonly views: number;
}

export interface ArrowField {
  readonly name: string;
  /** null: not read. */
  readonly encoding: Encoding | null;
  readonly label: string;
  /** Before the field and its children, and after them. */
  readonly from: Counts;
  readonly to: Counts;
}

const { Struct_: STRUCT } = Type;
const MAX_FIELDS = 10_000;
const MAX_DEPTH = 64;

/** Throws RangeError for a schema that cannot be. */
export function arrowFields(schema: Schema, version: MetadataVersion): ArrowField[] {
  if (schema.fieldsLength() > MAX_FIELDS) throw new RangeError(`it has more than ${MAX_FIELDS} fields`);
  const fields: ArrowField[] = [];
  let from: Counts = { nodes: 0, buffers: 0, views: 0 };
  for (let i = 0; i < schema.fieldsLength(); i++) {
    const field = schema.fields(i);
    if (!field) throw new RangeError(`field ${i} is missing`);
    const to = countAfter(field, from, version, 0);
    fields.push({ name: field.name() ?? '', ...readingOf(field), from, to });
    from = to;
  }
  return fields;
}

function countAfter(field: Field, before: Counts, version: MetadataVersion, depth: number): Counts {
  if (before.nodes >= MAX_FIELDS) throw new RangeError(`it has more than ${MAX_FIELDS} fields`);
  if (depth > MAX_DEPTH) throw new RangeError('its fields are nested too deeply');
  const { nodes, buffers, views } = before;
  if (field.dictionary()) return { nodes: nodes + 1, buffers: buffers + 2, views };
  const type = field.typeType();
  const isView = type === Type.Utf8View || type === Type.BinaryView;
  let counts: Counts = {
    nodes: nodes + 1,
    buffers: buffers + ownBuffers(field, type, version),
    views: views + (isView ? 1 : 0),
  };
  for (let i = 0; i < field.childrenLength(); i++) {
    counts = countAfter(childOf(field, i), counts, version, depth + 1);
  }
  return counts;
}

/** Of a field without its children, and without variadic ones. */
function ownBuffers(field: Field, type: Type, version: MetadataVersion): number {
  switch (type) {
    case Type.Null:
    case Type.RunEndEncoded:
      return 0;
    case STRUCT:
    case Type.FixedSizeList:
      return 1;
    case Type.Binary:
    case Type.Utf8:
    case Type.LargeBinary:
    case Type.LargeUtf8:
    case Type.ListView:
    case Type.LargeListView:
      return 3;
    case Type.Union: {
      const union = new Union();
      field.type(union);
      return (union.mode() === UnionMode.Dense ? 2 : 1) + (version < MetadataVersion.V5 ? 1 : 0);
    }
    case Type.NONE:
      throw new RangeError(`field "${field.name() ?? ''}" has no type`);
    default:
      if (Type[type] === undefined) throw new RangeError(`field "${field.name() ?? ''}" has an unknown type`);
      return 2;
  }
}

function childOf(field: Field, index: number): Field {
  const child = field.children(index);
  if (child) return child;
  throw new RangeError(`field "${field.name() ?? ''}" lacks its child`);
}

interface Reading {
  readonly encoding: Encoding | null;
  /** As `Column.dtype` shows it: of vectors, the type of their elements. */
  readonly label: string;
}

function readingOf(field: Field): Reading {
  const value = valueOf(field);
  const dictionary = field.dictionary();
  if (dictionary) {
    const index = dictionary.indexType();
    const indexType = index ? intType(index) : { kind: 'i' as const, bytes: 4 };
    if (!value.encoding || !indexType) return { encoding: null, label: `dictionary of ${value.label}` };
    return { ...value, encoding: { as: 'dictionary', id: dictionary.id(), index: indexType, values: value.encoding } };
  }
  if (value.encoding) return value;
  return listOf(field) ?? { encoding: null, label: value.label };
}

function valueOf(field: Field): { readonly encoding: ValueEncoding | null; readonly label: string } {
  const type = field.typeType();
  switch (type) {
    case Type.Utf8:
      return { encoding: { as: 'texts', offsetBytes: 4 }, label: 'text' };
    case Type.LargeUtf8:
      return { encoding: { as: 'texts', offsetBytes: 8 }, label: 'text' };
    case Type.Utf8View:
      return { encoding: { as: 'views' }, label: 'text' };
    default: {
      const number = numberType(field);
      if (!number) return { encoding: null, label: typeLabel(type) };
      return { encoding: { as: 'numbers', type: number }, label: numberLabel(number) };
    }
  }
}

const LISTS: ReadonlySet<Type> = new Set([Type.List, Type.LargeList, Type.FixedSizeList]);

/** Lists whose values are floats; null: it is something else. */
function listOf(field: Field): Reading | null {
  const type = field.typeType();
  if (type === Type.List || type === Type.LargeList) {
    const child = childOf(field, 0);
    const number = numberType(child);
    if (LISTS.has(child.typeType())) return { encoding: null, label: LIST_OF_LISTS };
    if (number?.kind !== 'f' || child.dictionary())
      return { encoding: null, label: 'list of other things than floats' };
    return {
      encoding: { as: 'list', offsetBytes: type === Type.List ? 4 : 8, type: number },
      label: numberLabel(number),
    };
  }
  const sizes: number[] = [];
  let inner = field;
  for (; inner.typeType() === Type.FixedSizeList && sizes.length < MAX_DEPTH; inner = childOf(inner, 0)) {
    const list = new FixedSizeList();
    inner.type(list);
    sizes.push(list.listSize());
  }
  if (sizes.length === 0) return null;
  const number = numberType(inner);
  if (number?.kind !== 'f' || inner.dictionary() || sizes.some((size) => size < 0)) {
    return { encoding: null, label: 'list of other things than floats' };
  }
  return { encoding: { as: 'fixed', sizes, type: number }, label: numberLabel(number) };
}

/** Of the values, where the field has a dictionary. */
function numberType(field: Field): NumberType | null {
  switch (field.typeType()) {
    case Type.Int: {
      const int = new Int();
      field.type(int);
      return intType(int);
    }
    case Type.FloatingPoint: {
      const float = new FloatingPoint();
      field.type(float);
      const bytes = FLOAT_BYTES[float.precision()];
      return bytes === undefined ? null : { kind: 'f', bytes };
    }
    default:
      return null;
  }
}

const FLOAT_BYTES: Readonly<Record<number, number | undefined>> = {
  [Precision.HALF]: 2,
  [Precision.SINGLE]: 4,
  [Precision.DOUBLE]: 8,
};

function intType(int: Int): NumberType | null {
  const bytes = int.bitWidth() / 8;
  return [1, 2, 4, 8].includes(bytes) ? { kind: int.isSigned() ? 'i' : 'u', bytes } : null;
}

function numberLabel({ kind, bytes }: NumberType): string {
  return `${{ i: 'int', u: 'uint', f: 'float' }[kind]}${bytes * 8}`;
}

function typeLabel(type: Type): string {
  return Type[type].replace('_', '').toLowerCase();
}
