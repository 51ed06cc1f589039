/**
 * Reads pieces of a vector file straight into memory, on the calling thread: the one place where the simd engine
 * touches a file, because rows that must first cross a thread would cost what reading them costs. Node and Electron only.
 */
import { nodeModule, type FileSystem } from '../node.ts';

/** Whether this runtime has files to read pages from. */
export function readsPages(): boolean {
  return nodeModule('node:fs') !== undefined;
}

export class PageReader {
  private readonly files: FileSystem;
  private readonly fd: number;
  private readonly path: string;

  constructor(path: string) {
    const files = nodeModule('node:fs');
    if (!files) throw new Error('simd engine: this runtime reads no files');
    this.files = files;
    this.path = path;
    this.fd = files.openSync(path, 'r');
  }

  /** Overwrites into[offset .. offset + length) with what the file holds from `position` on. */
  read(into: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length;) {
      const read = this.files.readSync(this.fd, into, offset + done, length - done, position + done);
      if (read === 0) throw new Error(`gather: ${this.path} ends at byte ${position + done}, before its vectors do`);
      done += read;
    }
  }

  close(): void {
    this.files.closeSync(this.fd);
  }
}
