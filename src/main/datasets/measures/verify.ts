/**
 * Whether stored files still hold what the import wrote, by the CRC-32 in `meta.json`: every flipped bit and zeroed block
 * is seen, at memory speed. It does not protect from forgery.
 */
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { StoredCheck } from '#shared/contract/app.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import { openRegularFile, readRegularFileSync } from '../../formats/files/regular-file.ts';
import { damagedFile, readMeta, type StoreMeta } from '../store-files.ts';

const READ_BYTES = 8 << 20;

/** Throws STORE_DAMAGED where `checksum` is not that of the import. A set without checksums passes. */
export function refuseOther(path: string, checksum: number, { checksums, source }: StoreMeta): void {
  const expected = checksums?.[basename(path)];
  if (expected === undefined || expected === checksum) return;
  throw damagedFile(path, 'it is not as the import wrote it (its checksum differs)', source);
}

/** Reads a stored file once. Throws STORE_DAMAGED. */
export async function verifyFile(path: string, meta: StoreMeta): Promise<void> {
  if (meta.checksums?.[basename(path)] === undefined) return;
  const { handle } = await openRegularFile(path).catch((error: unknown) => {
    throw damagedFile(path, 'it cannot be opened', meta.source, error);
  });
  try {
    const chunk = new Uint8Array(READ_BYTES);
    let checksum = 0;
    for (let read = (await handle.read(chunk)).bytesRead; read > 0; read = (await handle.read(chunk)).bytesRead) {
      checksum = crc32(chunk.subarray(0, read), checksum);
    }
    refuseOther(path, checksum, meta);
  } finally {
    await handle.close();
  }
}

/** A stored file of `bytes` bytes, read whole and verified. Throws STORE_DAMAGED. */
export function readColumn(path: string, bytes: number, meta: StoreMeta): ArrayBuffer {
  let data: Buffer<ArrayBuffer>;
  try {
    data = readRegularFileSync(path);
  } catch (error) {
    throw damagedFile(path, 'it cannot be read', meta.source, error);
  }
  if (data.length !== bytes) {
    throw damagedFile(path, `it has ${data.length} bytes and should have ${bytes}`, meta.source);
  }
  refuseOther(path, crc32(data), meta);
  return data.buffer.slice(data.byteOffset, data.byteOffset + bytes);
}

/** Reads every file of a stored data set. */
export async function checkStored(folder: string): Promise<StoredCheck> {
  try {
    const meta = readMeta(folder);
    if (meta.checksums === undefined) return { state: 'not verifiable', problem: null };
    for (const name of Object.keys(meta.checksums)) await verifyFile(join(folder, name), meta);
    return { state: 'whole', problem: null };
  } catch (error) {
    if (!isNextvecError(error)) throw error;
    return { state: 'damaged', problem: [error.message, error.remedy].filter(Boolean).join(' ') };
  }
}
