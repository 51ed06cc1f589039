/**
 * Reads pieces of a vector file straight into memory, on the calling thread: the one place where the simd engine
 * touches a file, because rows that must first cross a thread would cost what reading them costs. Node and Electron only.
 */

/** The part of Node's `fs` used here; the engine is compiled without Node's types. */
interface FileSystem {
  openSync(path: string, flags: 'r'): number;
  closeSync(fd: number): void;
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
}
interface NodeProcess {
  getBuiltinModule?(name: 'node:fs'): FileSystem;
}

function fileSystem(): FileSystem | undefined {
  return (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('node:fs');
}

/** Whether this runtime has files to read pages from. */
export function readsPages(): boolean {
  return fileSystem() !== undefined;
}

export class PageReader {
  private readonly files: FileSystem;
  private readonly fd: number;
  private readonly path: string;

  constructor(path: string) {
    const files = fileSystem();
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
