/**
 * The members of a .npz: the zip directory read by yauzl, then checked. Names with "..", repeated names, encrypted
 * or unknown methods, false sizes and members that overlap are refused before a byte of data is read.
 */
import { read } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import yauzl from 'yauzl';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { shortText } from '#shared/domain/short-text.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { Member } from './bytes.ts';

const STORED = 0;
const DEFLATED = 8;
const MAX_MEMBERS = 10_000;
/** The largest compression ratio of Deflate; a member that states more is refused. */
const MAX_RATIO = 1032;

/** yauzl's view of a file handle; invalid positions are errors, not exceptions inside a callback. */
class HandleReader extends yauzl.RandomAccessReader {
  private readonly handle: FileHandle;

  constructor(handle: FileHandle) {
    super();
    this.handle = handle;
  }

  override _readStreamForRange(): Readable {
    return new PassThrough();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    if (!Number.isSafeInteger(position) || position < 0) {
      callback(new Error('an offset points outside the file'));
      return;
    }
    read(this.handle.fd, buffer, offset, length, position, (error, bytesRead) => {
      if (!error && bytesRead < length) callback(new Error('an offset points outside the file'));
      else callback(error, bytesRead);
    });
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

/** Every member of the archive, in directory order, with its data located and its directory entry believed. */
export async function listMembers(handle: FileHandle, fileBytes: number, file: string): Promise<Member[]> {
  const zip = await openDirectory(handle, fileBytes, file);
  const members: Member[] = [];
  const names = new Set<string>();
  try {
    if (zip.entryCount > MAX_MEMBERS) throw damaged(file, `its directory claims ${zip.entryCount} members`);
    for await (const entry of zip.eachEntry()) {
      const name = memberName(entry, file);
      if (names.has(name)) throw damaged(file, `the member "${name}" stands in it twice`);
      names.add(name);
      if (!name.endsWith('/')) members.push(await locate(zip, entry, name, handle, file));
    }
  } catch (error) {
    throw isNextvecError(error) ? error : damaged(file, messageOf(error), error);
  } finally {
    zip.close();
  }
  refuseOverlap(members, file);
  return members;
}

async function openDirectory(handle: FileHandle, fileBytes: number, file: string): Promise<yauzl.ZipFile> {
  try {
    return await yauzl.fromRandomAccessReaderPromise(new HandleReader(handle), fileBytes, {
      autoClose: false,
      decodeStrings: false,
    });
  } catch (error) {
    const missing = messageOf(error).includes('End of central directory');
    if (!missing) throw damaged(file, messageOf(error), error);
    throw new NextvecError(
      'ARCHIVE_TRUNCATED',
      `${file}: the directory at the end of the archive is missing, so the file was cut off (it has ${fileBytes} bytes).`,
      { remedy: 'Copy or download the file again.', cause: error },
    );
  }
}

function memberName(entry: yauzl.Entry, file: string): string {
  const name = entry.fileNameRaw.toString('utf8');
  const problem = name.includes('\0') ? 'a zero byte' : yauzl.validateFileName(name);
  if (name === '' || problem !== null) {
    throw new NextvecError(
      'UNSAFE_MEMBER_NAME',
      `${file}: the member name ${JSON.stringify(shortText(name))} points outside the archive (${problem ?? 'it is empty'}).`,
      { remedy: 'Do not trust this file; write it anew with numpy.savez.' },
    );
  }
  return name;
}

async function locate(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  name: string,
  handle: FileHandle,
  file: string,
): Promise<Member> {
  const method = entry.compressionMethod;
  if (entry.isEncrypted()) throw unsupported(file, name, 'is encrypted');
  if (method !== STORED && method !== DEFLATED) throw unsupported(file, name, `uses compression method ${method}`);
  if (method === DEFLATED && entry.uncompressedSize > entry.compressedSize * MAX_RATIO + 64) {
    throw damaged(file, `the member "${name}" claims ${entry.uncompressedSize} bytes from ${entry.compressedSize}`);
  }
  const local = await zip.readLocalFileHeaderPromise(entry, { minimal: false });
  if (!local.fileName.equals(entry.fileNameRaw) || local.compressionMethod !== method) {
    throw damaged(file, `directory and local header of the member "${name}" disagree`);
  }
  return {
    place: `${file}: ${shortText(name)}`,
    name,
    handle,
    offset: local.fileDataStart,
    storedBytes: entry.compressedSize,
    sizeBytes: entry.uncompressedSize,
    deflated: method === DEFLATED,
    crc32: entry.crc32,
  };
}

function refuseOverlap(members: readonly Member[], file: string): void {
  const sorted = members.toSorted((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1];
    if (before.offset + before.storedBytes > sorted[i].offset) {
      throw damaged(file, `the members "${before.name}" and "${sorted[i].name}" overlap`);
    }
  }
}

function damaged(file: string, why: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${file}: the zip archive is damaged: ${why}.`, {
    remedy: 'Copy or download the file again, or write it anew.',
    cause,
  });
}

function unsupported(file: string, name: string, what: string): NextvecError {
  return new NextvecError('ARCHIVE_UNSUPPORTED', `${file}: the member "${name}" ${what}.`, {
    remedy: 'Write it with numpy.savez or numpy.savez_compressed.',
  });
}
