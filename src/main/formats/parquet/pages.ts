/** The pages of one column of a Parquet file, one after the other through its row groups. Only a page at a time is in memory. */
import type { FileHandle } from 'node:fs/promises';
import { brotliDecompressSync, crc32, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ColumnMetaData, FileMetaData, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { snappyUncompress } from 'hyparquet/src/snappy.js';
import { NextvecError, isNextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { readExactly } from '../files/bytes.ts';
import { readHybrid } from './levels.ts';
import type { LeafColumn } from './schema.ts';
import { UnsupportedPage, decodePlain, decodeValues, type Values } from './values.ts';

export interface Page {
  /** Repetition level of each entry, 0 where a row begins; null: each entry is a row. */
  readonly repetitions: Uint32Array | null;
  /** Whether each entry has a value; null: each has. */
  readonly isThere: ((entry: number) => boolean) | null;
  readonly entries: number;
  /** Of the entries that have one. */
  readonly values: Values;
}

export interface ParquetData {
  readonly handle: FileHandle;
  readonly fileBytes: number;
  readonly metadata: FileMetaData;
  /** Of the file, for messages. */
  readonly file: string;
}

const HEADER_BYTES = 16 << 10;
const MAX_HEADER_BYTES = 16 << 20;
/** Of one page after decompression; the largest that is written is 100 MB (DuckDB). */
const MAX_PAGE_BYTES = 512 << 20;
const MAX_ENTRIES = 1 << 26;

export async function* pagesOf(data: ParquetData, leaf: LeafColumn, signal?: AbortSignal): AsyncGenerator<Page> {
  const place = `${data.file}: ${leaf.name}`;
  for (const [group, chunk] of columnChunks(data, leaf).entries()) {
    try {
      yield* pagesOfChunk(data, chunk, leaf, place, signal);
    } catch (error) {
      throw pageError(error, `${place}: row group ${group}`);
    }
  }
}

/** The parts of the column, one a row group. */
export function columnChunks({ metadata }: Pick<ParquetData, 'metadata'>, { path }: LeafColumn): ColumnMetaData[] {
  return metadata.row_groups.flatMap(({ columns }) => {
    const chunk = columns.find(({ meta_data: meta }) => meta?.path_in_schema.join('\0') === path.join('\0'));
    return chunk?.meta_data ? [chunk.meta_data] : [];
  });
}

async function* pagesOfChunk(
  { handle, fileBytes }: ParquetData,
  chunk: ColumnMetaData,
  leaf: LeafColumn,
  place: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page> {
  const dataStart = Number(chunk.data_page_offset);
  const dictionaryStart = Number(chunk.dictionary_page_offset ?? 0n);
  let position = dictionaryStart > 0 ? Math.min(dictionaryStart, dataStart) : dataStart;
  const end = position + Number(chunk.total_compressed_size);
  if (!(position >= 0 && end <= fileBytes)) throw new RangeError('it points outside the file');
  let dictionary: Values | null = null;
  let entries = 0;
  while (position < end && entries < Number(chunk.num_values)) {
    throwIfCancelled(signal, 'Reading');
    const { header, bytes: headerBytes } = await readHeader(handle, position, end, place);
    position += headerBytes;
    const stored = new Uint8Array(boundedSize(header.compressed_page_size, end - position));
    await readExactly(handle, stored, position, place);
    position += stored.length;
    refuseOtherChecksum(header, stored, place);
    if (header.dictionary_page_header) {
      const plain = inflate(stored, header.uncompressed_page_size, chunk.codec);
      dictionary = decodePlain(plain, boundedCount(header.dictionary_page_header.num_values), leaf);
    } else if (header.data_page_header ?? header.data_page_header_v2) {
      const page = decodePage(header, stored, chunk.codec, leaf, dictionary);
      entries += page.entries;
      yield page;
    }
  }
  if (entries !== Number(chunk.num_values)) throw new RangeError('it does not hold as many values as it says');
}

async function readHeader(
  handle: FileHandle,
  position: number,
  end: number,
  place: string,
): Promise<{ header: PageHeader; bytes: number }> {
  for (let size = HEADER_BYTES; ; size = MAX_HEADER_BYTES) {
    const bytes = new Uint8Array(Math.min(size, end - position));
    await readExactly(handle, bytes, position, place);
    const reader = { view: new DataView(bytes.buffer), offset: 0 };
    try {
      return { header: parquetHeader(reader), bytes: reader.offset };
    } catch (error) {
      // Statistics of long texts make long headers.
      if (bytes.length < size || size === MAX_HEADER_BYTES) throw error;
    }
  }
}

function boundedSize(bytes: number, most: number): number {
  if (Number.isInteger(bytes) && bytes >= 0 && bytes <= Math.min(most, MAX_PAGE_BYTES)) return bytes;
  throw new RangeError(`a page of ${bytes} bytes`);
}

function boundedCount(count: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= MAX_ENTRIES) return count;
  throw new RangeError(`a page of ${count} values`);
}

function refuseOtherChecksum({ crc }: PageHeader, stored: Uint8Array, place: string): void {
  if (crc === undefined || crc32(stored) === crc >>> 0) return;
  throw new NextvecError(
    'CHECKSUM_MISMATCH',
    `${place}: the checksum of a page does not match, so the file is damaged.`,
    {
      remedy: 'Copy or download the file again, or write it anew.',
    },
  );
}

function decodePage(
  header: PageHeader,
  stored: Uint8Array,
  codec: string,
  leaf: LeafColumn,
  dictionary: Values | null,
): Page {
  const v1 = header.data_page_header;
  if (v1) {
    const entries = boundedCount(v1.num_values);
    const plain = inflate(stored, header.uncompressed_page_size, codec);
    const repetitions = levelsV1(plain, 0, leaf.maxRepetition, entries);
    const definitions = levelsV1(plain, repetitions.end, leaf.maxDefinition, entries);
    const values = plain.subarray(definitions.end);
    const levels = { entries, repetitions: repetitions.values, definitions: definitions.values };
    return assemble(levels, values, v1.encoding, leaf, dictionary);
  }
  const v2 = header.data_page_header_v2;
  if (!v2) throw new RangeError('a page without a header');
  const entries = boundedCount(v2.num_values);
  const repetitionEnd = boundedSize(v2.repetition_levels_byte_length, stored.length);
  const levelEnd = repetitionEnd + boundedSize(v2.definition_levels_byte_length, stored.length - repetitionEnd);
  const plainBytes = header.uncompressed_page_size - levelEnd;
  const values = stored.subarray(levelEnd);
  const plain = v2.is_compressed === false || plainBytes === 0 ? values : inflate(values, plainBytes, codec);
  const repetitions = levelsV2(stored.subarray(0, repetitionEnd), leaf.maxRepetition, entries);
  const definitions = levelsV2(stored.subarray(repetitionEnd, levelEnd), leaf.maxDefinition, entries);
  return assemble({ entries, repetitions, definitions }, plain, v2.encoding, leaf, dictionary);
}

function levelsV1(
  page: Uint8Array,
  at: number,
  max: number,
  entries: number,
): { readonly values: Uint32Array | null; readonly end: number } {
  if (max === 0) return { values: null, end: at };
  const length = new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(at, true);
  return { values: readHybrid(page, at + 4, bitWidth(max), entries).values, end: at + 4 + length };
}

function levelsV2(bytes: Uint8Array, max: number, entries: number): Uint32Array | null {
  return max === 0 ? null : readHybrid(bytes, 0, bitWidth(max), entries).values;
}

function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

interface Levels {
  readonly entries: number;
  readonly repetitions: Uint32Array | null;
  readonly definitions: Uint32Array | null;
}

function assemble(
  { entries, repetitions, definitions }: Levels,
  bytes: Uint8Array,
  encoding: string,
  leaf: LeafColumn,
  dictionary: Values | null,
): Page {
  let there = entries;
  if (definitions) for (const level of definitions) if (level !== leaf.maxDefinition) there--;
  const isThere = definitions && there < entries ? (i: number) => definitions[i] === leaf.maxDefinition : null;
  return { repetitions, isThere, entries, values: decodeValues(bytes, encoding, there, leaf, dictionary) };
}

function inflate(stored: Uint8Array, plainBytes: number, codec: string): Uint8Array {
  const maxOutputLength = boundedSize(plainBytes, MAX_PAGE_BYTES);
  const plain = decompress(stored, maxOutputLength, codec);
  if (plain.length !== plainBytes) throw new RangeError('a page has another size than it says');
  // `slice` of a Buffer, as zlib gives it, would not copy.
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
}

function decompress(stored: Uint8Array, plainBytes: number, codec: string): Uint8Array {
  const options = { maxOutputLength: Math.max(1, plainBytes) };
  switch (codec) {
    case 'UNCOMPRESSED':
      return stored;
    case 'SNAPPY': {
      const plain = new Uint8Array(plainBytes);
      snappyUncompress(stored, plain);
      return plain;
    }
    case 'GZIP':
      return gunzipSync(stored, options);
    case 'ZSTD':
      return zstdDecompressSync(stored, options);
    case 'BROTLI':
      return brotliDecompressSync(stored, options);
    default:
      throw new UnsupportedPage(`it is compressed with ${codec}`);
  }
}

function pageError(error: unknown, place: string): unknown {
  if (isNextvecError(error)) return error;
  const why = messageOf(error);
  if (error instanceof UnsupportedPage) {
    return new NextvecError('ARCHIVE_UNSUPPORTED', `${place}: ${why}, which is not read.`, {
      remedy: 'Write the file with zstd, snappy or gzip and the usual encodings (pyarrow.parquet.write_table).',
      cause: error,
    });
  }
  return new NextvecError('ARCHIVE_DAMAGED', `${place} is damaged: ${why}.`, {
    remedy: 'Copy or download the file again, or write it anew.',
    cause: error,
  });
}
