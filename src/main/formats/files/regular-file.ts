/**
 * Opens files that the user names: regular files only. A FIFO, device, socket or folder is refused at once,
 * on the descriptor that was opened, so that nothing waits for a writer and nothing can be swapped in between.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { codeOf, messageOf } from '#shared/domain/thrown.ts';

export interface RegularFile {
  readonly handle: FileHandle;
  readonly bytes: number;
}

/** Opening a FIFO or a serial line without these waits for its other end. Windows has neither. */
const WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** Throws FILE_NOT_FOUND or FILE_UNREADABLE with path, reason and remedy. The caller closes the handle. */
export async function openRegularFile(path: string): Promise<RegularFile> {
  refuseZeroByte(path);
  const handle = await open(path, WITHOUT_WAITING).catch((error: unknown) => {
    throw openError(path, error);
  });
  try {
    return { handle, bytes: regularSize(path, await handle.stat()) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** As `openRegularFile`, for callers that cannot wait; the caller closes the descriptor. */
export function openRegularFileSync(path: string): { readonly fd: number; readonly bytes: number } {
  refuseZeroByte(path);
  let fd: number;
  try {
    fd = openSync(path, WITHOUT_WAITING);
  } catch (error) {
    throw openError(path, error);
  }
  try {
    return { fd, bytes: regularSize(path, fstatSync(fd)) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The first bytes of a file, at most `maxBytes` of them, and the size of the whole. Throws as `openRegularFile`. */
export async function readHead(
  path: string,
  maxBytes: number,
): Promise<{ readonly head: Buffer; readonly bytes: number }> {
  const { handle, bytes } = await openRegularFile(path);
  try {
    const head = Buffer.alloc(Math.min(maxBytes, bytes));
    await handle.read(head, 0, head.length, 0);
    return { head, bytes };
  } catch (error) {
    throw readError(path, error);
  } finally {
    await handle.close();
  }
}

/** Node reads at most 2 GiB in one call. */
const PIECE_BYTES = 2 ** 30;

async function readWhole(handle: FileHandle, bytes: number): Promise<Buffer<ArrayBuffer>> {
  if (bytes <= PIECE_BYTES) return handle.readFile();
  const whole = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  while (at < bytes) {
    const { bytesRead } = await handle.read(whole, at, Math.min(PIECE_BYTES, bytes - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return whole.subarray(0, at);
}

/** The whole file. Throws OUT_OF_RANGE beyond `maxBytes`, without reading it. */
export async function readRegularFile(path: string, maxBytes?: number): Promise<Buffer<ArrayBuffer>> {
  const { handle, bytes } = await openRegularFile(path);
  try {
    refuseLarge(path, bytes, maxBytes);
    return await readWhole(handle, bytes);
  } catch (error) {
    throw readError(path, error);
  } finally {
    await handle.close();
  }
}

/** As `readRegularFile`, for small files. */
export function readRegularFileSync(path: string, maxBytes?: number): Buffer<ArrayBuffer> {
  const { fd, bytes } = openRegularFileSync(path);
  try {
    refuseLarge(path, bytes, maxBytes);
    return readFileSync(fd);
  } catch (error) {
    throw readError(path, error);
  } finally {
    closeSync(fd);
  }
}

function refuseZeroByte(path: string): void {
  if (path.includes('\0')) throw unreadable(JSON.stringify(path), 'its name holds a zero byte');
}

/** Bytes of a regular file; throws for anything else. */
function regularSize(path: string, stats: Stats): number {
  if (stats.isFile()) return stats.size;
  throw notRegular(path, stats.isDirectory() ? 'folder' : stats.isFIFO() ? 'named pipe (FIFO)' : 'device');
}

function refuseLarge(path: string, bytes: number, maxBytes = Number.POSITIVE_INFINITY): void {
  if (bytes <= maxBytes) return;
  throw new NextvecError('OUT_OF_RANGE', `${path} has ${bytes} bytes; at most ${maxBytes} are read.`, {
    remedy: 'Choose another file; this one is too large for its purpose.',
    details: { place: path },
  });
}

function readError(path: string, error: unknown): unknown {
  if (isNextvecError(error)) return error;
  const code = codeOf(error) ?? String(error);
  return unreadable(path, REASONS[code] ?? code, error);
}

const REASONS: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder',
  ENXIO: 'it is a socket or a device without a driver',
  ELOOP: 'its symbolic links go round in circles',
  ENAMETOOLONG: 'its name is too long',
  EMFILE: 'this program has too many files open',
  ENFILE: 'the system has too many files open',
  EIO: 'the disk reports an error',
};

/** FILE_NOT_FOUND. */
function noFile(path: string, cause?: unknown): NextvecError {
  return new NextvecError('FILE_NOT_FOUND', `There is no file ${path}.`, {
    remedy: 'Check the path, and that its disk is mounted.',
    details: { place: path },
    cause,
  });
}

/** The absolute path of a file that exists; throws FILE_NOT_FOUND. */
export function existingFile(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) return absolute;
  throw noFile(absolute);
}

function openError(path: string, error: unknown): NextvecError {
  const details = { place: path };
  const code = codeOf(error) ?? messageOf(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return noFile(path, error);
    case 'EACCES':
    case 'EPERM':
      return new NextvecError('FILE_UNREADABLE', `${path} cannot be opened: this user may not read it.`, {
        remedy: 'Allow reading it (chmod), or choose another file.',
        details,
        cause: error,
      });
    case 'EISDIR':
      return notRegular(path, 'folder');
    default:
      return unreadable(path, REASONS[code] ?? code, error);
  }
}

function notRegular(path: string, kind: string): NextvecError {
  return new NextvecError('FILE_UNREADABLE', `${path} is not a file: it is a ${kind}.`, {
    remedy: 'Choose a regular file.',
    details: { place: path },
  });
}

function unreadable(path: string, why: string, cause?: unknown): NextvecError {
  return new NextvecError('FILE_UNREADABLE', `${path} cannot be read: ${why}.`, {
    remedy: 'Choose a regular file that can be read.',
    details: { place: path },
    cause,
  });
}
