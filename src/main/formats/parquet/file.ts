/** A Parquet file: its footer, read by hyparquet, and its columns. Loaded only when such a file is opened. */
import type { FileHandle } from 'node:fs/promises';
import type { ColumnMetaData, FileMetaData } from 'hyparquet';
import { parquetMetadataAsync } from 'hyparquet/src/metadata.js';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { readExactly } from '../files/bytes.ts';
import type { Column } from '../columns/table.ts';
import { parquetColumn } from './column.ts';
import { leafColumns } from './schema.ts';

const MAX_FOOTER_BYTES = 256 << 20;
const MAX_ROWS = 2 ** 40;
const MAGIC = 'PAR1';
const TAIL_BYTES = 8;

/** Name and column of each that can be read or named. */
export async function openParquet(
  handle: FileHandle,
  fileBytes: number,
  file: string,
): Promise<Map<string, () => Promise<Column>>> {
  const metadata = await readMetadata(handle, fileBytes, file);
  const data = { handle, fileBytes, metadata, file };
  return new Map(leafColumns(metadata.schema).map((leaf) => [leaf.name, () => parquetColumn(data, leaf)]));
}

async function readMetadata(handle: FileHandle, fileBytes: number, file: string): Promise<FileMetaData> {
  const tail = Buffer.alloc(Math.min(TAIL_BYTES, fileBytes));
  await readExactly(handle, tail, fileBytes - tail.length, file);
  if (tail.subarray(-4).toString('latin1') !== MAGIC) {
    throw new NextvecError(
      'ARCHIVE_TRUNCATED',
      `${file}: the footer at the end of the Parquet file is missing, so the file was cut off.`,
      {
        remedy: 'Copy or download the file again.',
      },
    );
  }
  if (tail.readUInt32LE(0) > MAX_FOOTER_BYTES) throw damaged(file, `its footer claims ${tail.readUInt32LE(0)} bytes`);
  const slice = async (start: number, end = fileBytes): Promise<ArrayBuffer> => {
    const bytes = new Uint8Array(Math.max(0, end - start));
    await readExactly(handle, bytes, start, file);
    return bytes.buffer;
  };
  try {
    const metadata = await parquetMetadataAsync({ byteLength: fileBytes, slice }, { geoparquet: false });
    const rows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
    if (rows !== metadata.num_rows || rows < 0n || rows > MAX_ROWS) throw new RangeError('its counts of rows disagree');
    // Throws for a schema that is no tree.
    leafColumns(metadata.schema);
    // A damaged footer can lack fields that its types promise.
    const chunks: Partial<ColumnMetaData>[] = metadata.row_groups.flatMap(({ columns }) =>
      columns.flatMap(({ meta_data: meta }) => meta ?? []),
    );
    if (chunks.some(({ path_in_schema: path }) => !Array.isArray(path))) throw new RangeError('a column has no path');
    return metadata;
  } catch (error) {
    throw isNextvecError(error) ? error : damaged(file, messageOf(error), error);
  }
}

function damaged(file: string, why: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${file}: the footer of the Parquet file is damaged: ${why}.`, {
    remedy: 'Copy or download the file again, or write it anew.',
    cause,
  });
}
