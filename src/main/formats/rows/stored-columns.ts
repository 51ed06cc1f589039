/**
 * Columns written to a folder while rows are read, and read from there: vectors as float32 [R, D], integers as float64 [R], texts
 * as their length in bytes (uint32, 2^32 - 1: none) and UTF-8 one after another. R rows.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { arrayColumn } from '../columns/array-column.ts';
import { MemberReader } from '../files/bytes.ts';
import type { Member } from '../files/bytes.ts';
import { columnOf } from '../columns/column.ts';
import type { DType } from '../npy/header.ts';
import type { Column, DataFile, ReadOptions, Text } from '../columns/table.ts';
import { numberOf, quoted, textOf, writeVector, type CellType } from './cells.ts';

const BUFFER_BYTES = 1 << 20;
const NO_TEXT = 0xffffffff;
const LENGTH_BYTES = 4;
const TEXTS_AT_ONCE = 4096;

export interface StoredColumn {
  readonly name: string;
  readonly place: string;
  readonly path: string;
  readonly kind: 'floats' | 'integers' | 'texts';
  readonly rows: number;
  readonly D: number;
  readonly bytes: number;
}

export class ColumnWriter {
  private readonly place: Pick<Column, 'name' | 'place'>;
  private readonly path: string;
  private readonly type: CellType | 'integers' | 'texts';
  private readonly row: Float32Array | Float64Array;
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private fd: number | null;
  private used = 0;
  private rows = 0;
  private bytes = 0;

  /** `type`: of the vectors of a column of floats. */
  constructor(
    column: Pick<Column, 'name' | 'place'> & { readonly folder: string; readonly number: number },
    type: CellType | 'integers' | 'texts',
  ) {
    this.place = { name: column.name, place: column.place };
    this.path = join(column.folder, `column-${column.number}.bin`);
    this.type = type;
    this.row = typeof type === 'object' && type.kind === 'vector' ? new Float32Array(type.D) : new Float64Array(1);
    this.fd = openSync(this.path, 'wx');
  }

  /** Returns why the value does not fit the column, or null. */
  add(value: unknown): string | null {
    const fault = this.write(value);
    if (fault === null) this.rows++;
    return fault;
  }

  finish(): StoredColumn {
    this.flush();
    this.close();
    const { type, rows, bytes, path } = this;
    const kind = typeof type === 'string' ? type : 'floats';
    return { ...this.place, path, kind, rows, D: this.row.length, bytes };
  }

  close(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  private write(value: unknown): string | null {
    const { type, row } = this;
    if (type === 'texts') return this.writeText(textOf(value));
    if (type === 'integers') {
      row[0] = numberOf(value);
      if (!Number.isSafeInteger(row[0])) return `is ${quoted(value)}, not an integer`;
    } else {
      if (type.kind !== 'vector' || !(row instanceof Float32Array)) return `is ${quoted(value)}, not a vector`;
      const fault = writeVector(value, type, row, 0);
      if (fault !== null) return fault;
    }
    this.append(Buffer.from(row.buffer, row.byteOffset, row.byteLength));
    return null;
  }

  private writeText(text: Text): null {
    const utf8 = Buffer.from(text ?? '');
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(text === null ? NO_TEXT : utf8.length);
    this.append(length);
    this.append(utf8);
    return null;
  }

  private append(bytes: Uint8Array): void {
    if (this.used + bytes.length > BUFFER_BYTES) this.flush();
    this.bytes += bytes.length;
    if (bytes.length > BUFFER_BYTES) return this.writeAll(bytes);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  private flush(): void {
    this.writeAll(this.buffer.subarray(0, this.used));
    this.used = 0;
  }

  private writeAll(bytes: Uint8Array): void {
    if (this.fd === null) throw new Error(`${this.path} is closed`);
    for (let done = 0; done < bytes.length;) done += writeSync(this.fd, bytes, done);
  }
}

/** The columns as a file of data; closing it closes them. */
export async function storedColumns(
  file: Pick<DataFile, 'path' | 'format' | 'bytes'>,
  stored: readonly StoredColumn[],
): Promise<DataFile> {
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => {
    for (const handle of handles) await handle.close();
  };
  const columns = new Map<string, Column>();
  try {
    for (const column of stored) {
      const handle = await open(column.path);
      handles.push(handle);
      columns.set(column.name, readable(column, handle));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const column = async (name: string): Promise<Column> => {
    const found = columns.get(name);
    if (!found) throw new Error(`the column ${name} was not converted`);
    return found;
  };
  return { ...file, names: [...columns.keys()], column, close };
}

const FLOAT32: DType = { kind: 'f', bytes: 4, littleEndian: true, label: 'float32' };
const FLOAT64: DType = { kind: 'f', bytes: 8, littleEndian: true, label: 'float64' };

function readable({ name, place, kind, rows, D, bytes }: StoredColumn, handle: FileHandle): Column {
  const sizes = { offset: 0, storedBytes: bytes, sizeBytes: bytes };
  const member: Member = { place, name, handle, ...sizes, deflated: false, crc32: null };
  if (kind !== 'texts') {
    const shape = kind === 'floats' ? [rows, D] : [rows];
    const dtype = kind === 'floats' ? FLOAT32 : FLOAT64;
    return arrayColumn({ name, place, dtype, shape, fortran: false, dataOffset: 0, member });
  }
  return columnOf(
    { name, place, dtype: 'text', shape: [rows], bytes, storedBytes: bytes },
    { texts: (options) => readTexts(member, rows, options) },
  );
}

async function* readTexts(member: Member, rows: number, { signal }: ReadOptions = {}): AsyncGenerator<Text[]> {
  const reader = new BufferedReader(new MemberReader(member, signal));
  for (let done = 0; done < rows;) {
    const block: Text[] = [];
    while (block.length < Math.min(TEXTS_AT_ONCE, rows - done)) {
      const length = (await reader.take(LENGTH_BYTES)).readUInt32LE();
      block.push(length === NO_TEXT ? null : (await reader.take(length)).toString());
    }
    done += block.length;
    yield block;
  }
}

/** Hands out pieces of a member that is read in blocks. */
class BufferedReader {
  private readonly member: MemberReader;
  private buffer = Buffer.alloc(0);

  constructor(member: MemberReader) {
    this.member = member;
  }

  async take(bytes: number): Promise<Buffer> {
    if (this.buffer.length < bytes) {
      const more = Buffer.allocUnsafe(Math.max(BUFFER_BYTES, bytes));
      const read = await this.member.read(more);
      this.buffer = Buffer.concat([this.buffer, more.subarray(0, read)]);
    }
    const piece = this.buffer.subarray(0, bytes);
    this.buffer = this.buffer.subarray(bytes);
    return piece;
  }
}
