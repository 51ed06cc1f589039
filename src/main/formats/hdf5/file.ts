/** An HDF5 file and its columns: the data sets of numbers and texts, those in groups by their path. Loaded only when one is opened. */
import type { FileHandle } from 'node:fs/promises';
import { NextvecError } from '#shared/domain/errors.ts';
import { readExactly } from '../files/bytes.ts';
import type { Column } from '../columns/table.ts';
import { hdf5Column } from './column.ts';
import { damaged, hdf5Error } from './errors.ts';
import { openWithLibrary } from './library.ts';

export interface OpenedHdf5 {
  readonly columns: Map<string, () => Promise<Column>>;
  readonly close: () => void;
}

/** The caller closes it, before the handle. */
export async function openHdf5(handle: FileHandle, fileBytes: number, file: string): Promise<OpenedHdf5> {
  await refuseTruncated(handle, fileBytes, file);
  try {
    const library = await openWithLibrary(handle, fileBytes);
    const source = { library, file, fileBytes };
    const columns = new Map(library.names.map((name) => [name, async () => hdf5Column(source, name)]));
    return { columns, close: library.close };
  } catch (error) {
    throw hdf5Error(error, file);
  }
}

const MAX_SUPERBLOCK_BYTES = 96;

/** The library reads what lies beyond the end of a file as zeros. The superblock says where it ends. */
async function refuseTruncated(handle: FileHandle, fileBytes: number, file: string): Promise<void> {
  const block = Buffer.alloc(Math.min(MAX_SUPERBLOCK_BYTES, fileBytes));
  await readExactly(handle, block, 0, file);
  const end = endOfFile(block);
  if (end === null) throw damaged(file, 'its superblock is not understood');
  if (end <= fileBytes) return;
  throw new NextvecError(
    'ARCHIVE_TRUNCATED',
    `${file}: the HDF5 file should have ${end} bytes and has ${fileBytes}, so it was cut off.`,
    { remedy: 'Copy or download the file again, or close the program that writes it.' },
  );
}

/** Address of the end of the file, of superblocks of version 0 to 3; null: it is none. */
function endOfFile(block: Buffer): number | null {
  const version = block.at(8) ?? 255;
  const isOld = version < 2;
  const addressBytes = block.at(isOld ? 13 : 9);
  if (version > 3 || (addressBytes !== 4 && addressBytes !== 8)) return null;
  // Before it: the base address, and that of free space or of the superblock's extension.
  const place = (isOld ? 24 + 4 * version : 12) + 2 * addressBytes;
  if (place + addressBytes > block.length) return null;
  return addressBytes === 8 ? Number(block.readBigUInt64LE(place)) : block.readUInt32LE(place);
}
