/**
 * Writes a table as Parquet: lists for vectors, int64 and UTF-8 beside them; one page at a time is in memory.
 * hyparquet-writer encodes page headers and the footer. Its own writer of pages walks lists element by element; pages
 * of vectors are copied here. D elements of a list.
 */
import { crc32, zstdCompressSync } from 'node:zlib';
import type { ColumnChunk, CompressionCodec, ParquetType, RowGroup, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import {
  blocksOf,
  elementsOfRow,
  rowBytes,
  rowsOfBytes,
  type ByteSink,
  type OutColumn,
  type OutTable,
  type WriteOptions,
} from './table.ts';

const GROUP_BYTES = 128 << 20;
const PAGE_BYTES = 1 << 20;
/** Of integers and texts. */
const PAGE_ROWS = 8192;
const MAGIC = Buffer.from('PAR1');

/** One table after the other into one file; all have the columns of the first. */
export async function writeParquet(
  tables: Iterable<OutTable> | AsyncIterable<OutTable>,
  out: ByteSink,
  options: WriteOptions,
): Promise<void> {
  const file = new CountingSink(out);
  await file.write(MAGIC);
  const groups: RowGroup[] = [];
  let columns: readonly OutColumn[] = [];
  let rows = 0;
  for await (const table of tables) {
    for (const block of blocksOf(table.rows, rowsOfBytes(table, GROUP_BYTES), options.signal)) {
      groups.push(await writeGroup(table.columns, block, file, options));
    }
    columns = table.columns;
    rows += table.rows;
  }
  const footer = new ByteWriter();
  writeMetadata(footer, {
    version: 2,
    created_by: options.createdBy,
    schema: [{ name: 'schema', num_children: columns.length }, ...columns.flatMap(schemaOf)],
    num_rows: BigInt(rows),
    row_groups: groups,
    // Not part of the file.
    metadata_length: 0,
  });
  await file.write(footer.getBytes());
  await file.write(MAGIC);
}

class CountingSink implements ByteSink {
  offset = 0;
  private readonly out: ByteSink;

  constructor(out: ByteSink) {
    this.out = out;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.out.write(bytes);
    this.offset += bytes.length;
  }
}

interface Rows {
  readonly first: number;
  readonly count: number;
}

async function writeGroup(
  columns: readonly OutColumn[],
  { first, count }: Rows,
  file: CountingSink,
  { signal, onRows }: WriteOptions,
): Promise<RowGroup> {
  const start = file.offset;
  const chunks: ColumnChunk[] = [];
  const measured = columns.find(({ kind }) => kind === 'vectors') ?? columns[0];
  for (const column of columns) {
    const chunk = new ChunkWriter(column, file);
    for (const block of blocksOf(count, pageRows(column), signal)) {
      await chunk.page({ first: first + block.first, count: block.count });
      if (column === measured) onRows(block.count);
    }
    chunks.push(chunk.finish());
  }
  const plain = chunks.reduce((sum, { meta_data: meta }) => sum + (meta?.total_uncompressed_size ?? 0n), 0n);
  return {
    columns: chunks,
    total_byte_size: plain,
    num_rows: BigInt(count),
    total_compressed_size: BigInt(file.offset - start),
  };
}

function pageRows(column: OutColumn): number {
  return column.kind === 'vectors' ? Math.max(1, Math.floor(PAGE_BYTES / rowBytes(column))) : PAGE_ROWS;
}

/** Vectors hardly compress. */
function codecOf({ kind }: OutColumn): CompressionCodec {
  return kind === 'vectors' ? 'UNCOMPRESSED' : 'ZSTD';
}

/** The pages of one column in one row group. */
class ChunkWriter {
  private readonly column: OutColumn;
  private readonly file: CountingSink;
  private readonly start: number;
  private values = 0;
  private plainBytes = 0;

  constructor(column: OutColumn, file: CountingSink) {
    this.column = column;
    this.file = file;
    this.start = file.offset;
  }

  async page({ first, count }: Rows): Promise<void> {
    const { column, file } = this;
    const values = column.kind === 'vectors' ? count * elementsOfRow(column) : count;
    const plain = pageBytes(column, { first, count });
    const packed = codecOf(column) === 'ZSTD' ? zstdCompressSync(plain) : plain;
    const header = new ByteWriter();
    writePageHeader(header, {
      type: 'DATA_PAGE',
      uncompressed_page_size: plain.length,
      compressed_page_size: packed.length,
      // Parquet's checksum is signed.
      crc: crc32(packed) | 0,
      data_page_header: {
        num_values: values,
        encoding: 'PLAIN',
        definition_level_encoding: 'RLE',
        repetition_level_encoding: 'RLE',
      },
    });
    await file.write(header.getBytes());
    await file.write(packed);
    this.values += values;
    this.plainBytes += header.offset + plain.length;
  }

  finish(): ColumnChunk {
    const { column, start } = this;
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: leafOf(column).type,
        encodings: ['PLAIN', 'RLE'],
        path_in_schema: column.kind === 'vectors' ? [column.name, 'list', 'element'] : [column.name],
        codec: codecOf(column),
        num_values: BigInt(this.values),
        total_uncompressed_size: BigInt(this.plainBytes),
        total_compressed_size: BigInt(this.file.offset - start),
        data_page_offset: BigInt(start),
      },
    };
  }
}

interface Leaf extends SchemaElement {
  readonly type: ParquetType;
}

function leafOf(column: OutColumn): Leaf {
  const { name } = column;
  if (column.kind === 'integers') return { name, type: 'INT64', repetition_type: 'REQUIRED' };
  if (column.kind === 'floats') return { name, type: 'FLOAT', repetition_type: 'REQUIRED' };
  if (column.kind === 'texts') {
    return { name, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
  }
  const element = { name: 'element', repetition_type: 'REQUIRED' } as const;
  if (column.dtype === 'float32') return { ...element, type: 'FLOAT' };
  return { ...element, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } };
}

/** The nodes of a column; a list has three levels. */
function schemaOf(column: OutColumn): SchemaElement[] {
  if (column.kind !== 'vectors') return [leafOf(column)];
  const { name } = column;
  return [
    { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    leafOf(column),
  ];
}

/** Levels and values of a page before compression. */
function pageBytes(column: OutColumn, { first, count }: Rows): Buffer {
  if (column.kind === 'integers' || column.kind === 'floats') return Buffer.from(column.read(first, count).buffer);
  if (column.kind === 'vectors') {
    const D = elementsOfRow(column);
    const row: Run[] = [
      [0, 1],
      [1, D - 1],
    ];
    const repetitions = levels(Array.from({ length: count }, () => row).flat());
    return Buffer.concat([repetitions, levels([[1, count * D]]), column.read(first, count)]);
  }
  const texts = column.read(first, count);
  const values = texts.flatMap((text) => {
    if (text === null) return [];
    const utf8 = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(utf8.length);
    return [length, utf8];
  });
  return Buffer.concat([levels(texts.map((text) => [text === null ? 0 : 1, 1])), ...values]);
}

type Run = readonly [value: number, length: number];

/** Levels of one bit as runs (RLE), after their size in bytes. Neighbouring runs of one value are joined. */
function levels(runs: readonly Run[]): Buffer {
  const bytes = new ByteWriter();
  let [value, length] = [0, 0];
  const end = (): void => {
    if (length === 0) return;
    bytes.appendVarInt(length * 2);
    bytes.appendUint8(value);
  };
  for (const [next, more] of runs) {
    if (next === value) length += more;
    else if (more > 0) {
      end();
      [value, length] = [next, more];
    }
  }
  end();
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.offset);
  return Buffer.concat([size, bytes.getBytes()]);
}
