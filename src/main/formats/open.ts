/** Opens a file of data by what it holds, not by how its name ends. */
import { basename } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { NextvecError } from '#shared/domain/errors.ts';
import { arrayColumn } from './columns/array-column.ts';
import type { StoredArray } from './columns/stored-array.ts';
import { MemberReader, readExactly, type Member } from './files/bytes.ts';
import { readNpyHeader } from './npy/header.ts';
import { jsonColumn, sideFilesOf } from './npy/side-files.ts';
import { openRegularFile } from './files/regular-file.ts';
import { listTensors, looksLikeSafetensors } from './safetensors.ts';
import type { Column, DataFile, DataFormat } from './columns/table.ts';
import { unknownFile } from './unknown-file.ts';
import { listMembers } from './files/zip.ts';

/** The caller closes it. */
export async function openDataFile(path: string): Promise<DataFile> {
  const { handle, bytes } = await openRegularFile(path);
  try {
    const { format, columns, close } = await listColumns(handle, bytes, basename(path));
    const sides = format === 'npy' ? await openSideFiles(path, columns) : null;
    const closeAll = async (): Promise<void> => {
      close?.();
      await sides?.close();
      await handle.close();
    };
    const column = (name: string): Promise<Column> => {
      const read = columns.get(name);
      if (!read) throw new Error(`${path} has no column ${name}`);
      return read();
    };
    const parts = sides && sides.paths.length > 0 ? { parts: [path, ...sides.paths] } : {};
    const allBytes = bytes + (sides?.bytes ?? 0);
    return { path, format, bytes: allBytes, ...parts, names: [...columns.keys()], column, close: closeAll };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface Listing {
  readonly format: DataFormat;
  readonly columns: Map<string, () => Promise<Column>>;
  /** Before the handle is closed. */
  readonly close?: () => void;
}

async function listColumns(handle: FileHandle, fileBytes: number, file: string): Promise<Listing> {
  const magic = new Uint8Array(Math.min(8, fileBytes));
  await readExactly(handle, magic, 0, file);
  const text = Buffer.from(magic).toString('latin1');
  if (text.startsWith('PK'))
    return { format: 'npz', columns: npzColumns(await listMembers(handle, fileBytes, file), file) };
  if (text.startsWith('\x93NUMPY')) {
    const member = wholeFile(handle, fileBytes, file);
    return { format: 'npy', columns: new Map([[arrayName(member.name), () => npyColumn(member)]]) };
  }
  if (text.startsWith('PAR1')) {
    const { openParquet } = await import('./parquet/file.ts');
    return { format: 'parquet', columns: await openParquet(handle, fileBytes, file) };
  }
  if (text.startsWith('\x89HDF\r\n\x1a\n')) {
    const { openHdf5 } = await import('./hdf5/file.ts');
    return { format: 'hdf5', ...(await openHdf5(handle, fileBytes, file)) };
  }
  if (text.startsWith('ARROW1') || text.startsWith('\xff\xff\xff\xff')) {
    const { openArrow } = await import('./arrow/file.ts');
    return { format: 'arrow', columns: await openArrow(handle, fileBytes, file) };
  }
  if (await looksLikeSafetensors(handle, fileBytes)) {
    const tensors = await listTensors(handle, fileBytes, file);
    return { format: 'safetensors', columns: new Map(tensors.map((t) => [t.name, async () => arrayColumn(t)])) };
  }
  throw await unknownFile(
    handle,
    file,
    'a file of data that is known',
    'Write the vectors with numpy.savez, or in another format of docs/DATA.md.',
  );
}

interface OpenedSides {
  readonly paths: readonly string[];
  readonly bytes: number;
  close(): Promise<void>;
}

/** Adds the columns of the side files of a .npy file to its own. */
async function openSideFiles(path: string, columns: Listing['columns']): Promise<OpenedSides> {
  const sides = (await sideFilesOf(path)).filter(({ name }) => !columns.has(name));
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => {
    for (const handle of handles) await handle.close();
  };
  let total = 0;
  try {
    for (const side of sides) {
      const { handle, bytes } = await openRegularFile(side.path);
      handles.push(handle);
      total += bytes;
      const member = wholeFile(handle, bytes, basename(side.path));
      const array = async (): Promise<Column> => ({ ...(await npyColumn(member)), name: side.name });
      columns.set(side.name, side.kind === 'json' ? () => jsonColumn(side) : array);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { paths: sides.map((side) => side.path), bytes: total, close };
}

/** Finder adds `__MACOSX/._name.npy` for each member of a zip: file attributes, no arrays. */
const MAC_ATTRIBUTES = /(^|\/)(__MACOSX\/|\._)/;

function npzColumns(members: readonly Member[], file: string): Listing['columns'] {
  const arrays = members.filter(({ name }) => name.endsWith('.npy') && !MAC_ATTRIBUTES.test(name));
  if (arrays.length === 0 && members.some(({ name }) => /(^|\/)data\.pkl$/.test(name))) {
    throw new NextvecError('NOT_AN_ARCHIVE', `${file} is a PyTorch checkpoint, not a file of arrays.`, {
      remedy: 'Import it as a run, or choose the data it was trained on.',
    });
  }
  return new Map(arrays.map((member) => [arrayName(member.name), () => npyColumn(member)]));
}

function arrayName(member: string): string {
  return member.slice(0, -'.npy'.length);
}

function wholeFile(handle: FileHandle, fileBytes: number, file: string): Member {
  const name = file.endsWith('.npy') ? file : `${file}.npy`;
  const sizes = { offset: 0, storedBytes: fileBytes, sizeBytes: fileBytes };
  return { place: file, name, handle, ...sizes, deflated: false, crc32: null };
}

async function npyColumn(member: Member): Promise<Column> {
  const reader = new MemberReader(member);
  try {
    const header = await readNpyHeader(reader, member.place);
    const array: StoredArray = { name: arrayName(member.name), place: member.place, member, ...header };
    return arrayColumn(array);
  } finally {
    await reader.close();
  }
}
