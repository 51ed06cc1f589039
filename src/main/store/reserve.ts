/**
 * Deleting on a full disk. SQLite writes even a deletion to its WAL first (about 100 kB), so the storage folder keeps a
 * reserve file, which is removed when the disk is full.
 */
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull } from './database.ts';

const RESERVE_FILE = 'reserve.bin';
const RESERVE_BYTES = 256 * 2 ** 10;
/** With less free space no reserve is made: it would fill the disk itself. */
const LEAST_FREE_BYTES = 4 * RESERVE_BYTES;

/** Makes the reserve file in the storage folder `home` where it is missing and there is room. */
export function keepReserve(home: string): void {
  const file = join(home, RESERVE_FILE);
  if (statSync(file, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return;
  const { bavail, bsize } = statfsSync(home);
  if (bavail * bsize < LEAST_FREE_BYTES) return;
  try {
    // Random: a file system that compresses would set no space aside for zeros.
    writeFileSync(file, randomBytes(RESERVE_BYTES));
  } catch {
    // A quota, for instance. Deletions work without it while the WAL finds space.
    rmSync(file, { force: true });
  }
}

/**
 * Deletes a row and then its files; returns what `removeFiles` does, the bytes freed. On a full disk the reserve is given
 * up for the row; where that is not enough, the files go first.
 */
export async function deleteFreeingSpace(
  home: string,
  deleteRow: () => void,
  removeFiles: () => Promise<number>,
): Promise<number> {
  let isDeleted = unlessFull(deleteRow);
  if (!isDeleted) {
    rmSync(join(home, RESERVE_FILE), { force: true });
    isDeleted = unlessFull(deleteRow);
  }
  const freed = await removeFiles();
  if (!isDeleted) deleteRow();
  return freed;
}

/** Whether there was space for it. */
function unlessFull(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return false;
  }
}
