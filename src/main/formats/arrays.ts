/**
 * Any file of arrays (.npz, .npy, .safetensors) as a list of named arrays whose headers agree with the bytes that are
 * there. Only headers are read here.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { MemberReader, readExactly, type Member } from './bytes.ts';
import { readNpyHeader, type DType } from './npy/header.ts';
import { listTensors } from './safetensors-arrays.ts';
import { listMembers } from './zip.ts';

export interface ArrayInfo {
  /** Name without `.npy`. */
  readonly name: string;
  /** File and array, for messages. */
  readonly place: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  /** Bytes before the first element. */
  readonly dataOffset: number;
  readonly member: Member;
}

export interface ArrayFile {
  readonly path: string;
  readonly bytes: number;
  readonly arrays: readonly ArrayInfo[];
  close(): Promise<void>;
}

/** Opens a file by what it holds, not by its name's ending. The caller closes it. */
export async function openArrayFile(path: string): Promise<ArrayFile> {
  const handle = await openForReading(path);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new NextvecError('FILE_UNREADABLE', `${path} is not a file.`);
    const arrays = await listArrays(handle, stats.size, basename(path));
    return { path, bytes: stats.size, arrays, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new NextvecError('FILE_NOT_FOUND', `There is no file ${path}.`, { cause: error });
    throw new NextvecError('FILE_UNREADABLE', `${path} cannot be opened (${code ?? String(error)}).`, { cause: error });
  }
}

async function listArrays(handle: FileHandle, fileBytes: number, file: string): Promise<ArrayInfo[]> {
  const magic = new Uint8Array(Math.min(8, fileBytes));
  await readExactly(handle, magic, 0, file);
  const text = Buffer.from(magic).toString('latin1');
  if (text.startsWith('PK')) {
    const members = await listMembers(handle, fileBytes, file);
    return readHeaders(members.filter((member) => member.name.endsWith('.npy')));
  }
  if (text.startsWith('\x93NUMPY')) return readHeaders([wholeFile(handle, fileBytes, file)]);
  if (file.toLowerCase().endsWith('.safetensors')) return listTensors(handle, fileBytes, file);
  throw new NextvecError('NOT_AN_ARCHIVE', `${file} is not a .npz, .npy or .safetensors file.`, {
    remedy: 'Write the vectors with numpy.savez, numpy.save or safetensors.',
  });
}

function wholeFile(handle: FileHandle, fileBytes: number, file: string): Member {
  const name = file.endsWith('.npy') ? file : `${file}.npy`;
  const sizes = { offset: 0, storedBytes: fileBytes, sizeBytes: fileBytes };
  return { place: file, name, handle, ...sizes, deflated: false, crc32: null };
}

async function readHeaders(members: readonly Member[]): Promise<ArrayInfo[]> {
  const arrays: ArrayInfo[] = [];
  for (const member of members) {
    const reader = new MemberReader(member);
    try {
      const header = await readNpyHeader(reader, member.place);
      const array = { name: member.name.slice(0, -'.npy'.length), place: member.place, member, ...header };
      refuseWrongSize(array);
      arrays.push(array);
    } finally {
      await reader.close();
    }
  }
  return arrays;
}

function refuseWrongSize(array: ArrayInfo): void {
  if (array.dtype.kind === 'O') return;
  const needed = elements(array) * array.dtype.bytes;
  const there = array.member.sizeBytes - array.dataOffset;
  if (needed === there) return;
  throw new NextvecError(
    'HEADER_MISMATCH',
    `${array.place}: the header promises shape (${array.shape.join(', ')}) of ${array.dtype.label}, ${needed} bytes, ` +
      `but the member holds ${there}.`,
    { remedy: 'Write the array anew; its header and its data do not belong together.' },
  );
}

export function elements(array: ArrayInfo): number {
  return array.shape.reduce((product, n) => product * n, 1);
}
