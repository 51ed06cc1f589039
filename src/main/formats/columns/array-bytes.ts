/** Arrays as the bytes of a file, in the order of this machine (little-endian). */
import { writeSync } from 'node:fs';

/** The same memory. */
export function asBytes({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A write may take less than it was given; a full disk throws ENOSPC. */
export function writeAll(fd: number, data: NodeJS.ArrayBufferView, position: number): void {
  for (let done = 0; done < data.byteLength;) {
    done += writeSync(fd, data, done, data.byteLength - done, position + done);
  }
}
