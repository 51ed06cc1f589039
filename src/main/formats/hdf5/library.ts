/**
 * The HDF5 library, compiled to WebAssembly (h5wasm), over one open file. Its file system holds this file and nothing else, so that
 * external links and external storage of a hostile file lead nowhere. Calls are synchronous.
 */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Dataset, ready, type Metadata } from 'h5wasm';

/** A part of a data set: `count` elements of each axis, from `offset`. */
export interface Part {
  readonly offset: readonly number[];
  readonly count: readonly number[];
}

export interface Hdf5File {
  /** Paths of all data sets, those in groups too. */
  readonly names: readonly string[];
  metadata(name: string): Metadata;
  /** The elements in C order, little-endian. */
  bytes(name: string, part: Part, elementBytes: number): Uint8Array<ArrayBuffer>;
  /** Texts of variable length. */
  texts(name: string, part: Part): string[];
  close(): void;
}

/** What is used of a node of Emscripten's file system. */
interface FileNode {
  stream_ops: object;
  node_ops: { readonly getattr: (node: FileNode) => { size: number } };
}

const MAX_NAMES = 10_000;
let opened = 0;

/** Throws Error for a file that the library cannot open. */
export async function openWithLibrary(handle: FileHandle, fileBytes: number): Promise<Hdf5File> {
  const library = await ready;
  library.activate_throwing_error_handler();
  const path = `/${opened++}.h5`;
  mount(library.FS, path, handle.fd, fileBytes);
  const { H5F_ACC_RDONLY, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST } = library;
  let id: bigint;
  try {
    id = library.open(path, H5F_ACC_RDONLY, false, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
  } catch (error) {
    library.FS.unlink(path);
    throw error;
  }
  const close = (): void => {
    library.close_file(id);
    library.FS.unlink(path);
  };
  try {
    const names = library.get_names(id, '/', true);
    if (names.length > MAX_NAMES) throw new RangeError(`it holds more than ${MAX_NAMES} objects`);
    return {
      names: names.filter((name) => library.get_type(id, name) === library.H5G_DATASET),
      metadata: (name) => library.get_dataset_metadata(id, name),
      bytes: (name, part, elementBytes) => readBytes(library, id, name, part, elementBytes),
      texts: (name, { offset, count }) => {
        const value: unknown = new Dataset(id, name).slice(offset.map((first, axis) => [first, first + count[axis]]));
        return Array.isArray(value) ? value.map(String) : [];
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function readBytes(
  library: Awaited<typeof ready>,
  id: bigint,
  name: string,
  { offset, count }: Part,
  elementBytes: number,
): Uint8Array<ArrayBuffer> {
  const { _malloc: allocate, _free: free } = library;
  const bytes = count.reduce((product, n) => product * n, elementBytes);
  const place = allocate(bytes);
  if (place === 0) throw new RangeError(`there is no memory for ${bytes} bytes`);
  try {
    const ones = count.map(() => 1n);
    const status = library.get_dataset_data(id, name, count.map(BigInt), offset.map(BigInt), ones, BigInt(place));
    if (status < 0) throw new Error('its data cannot be read');
    return new Uint8Array(library.HEAPU8.subarray(place, place + bytes));
  } finally {
    free(place);
  }
}

/** A file of the library's file system whose bytes are those of an open file of the system. */
function mount(fs: Awaited<typeof ready>['FS'], path: string, fd: number, fileBytes: number): void {
  fs.writeFile(path, new Uint8Array(0));
  const node = fs.lookupPath(path, {}).node as unknown as FileNode;
  const { stream_ops: streamOps, node_ops: nodeOps } = node;
  const read = (_: unknown, into: Int8Array, at: number, length: number, position: number): number => {
    const there = Math.max(0, Math.min(length, fileBytes - position));
    return there === 0 ? 0 : readSync(fd, into, at, there, position);
  };
  const llseek = (stream: { position: number }, offset: number, whence: number): number =>
    offset + [0, stream.position, fileBytes][whence];
  node.stream_ops = { ...streamOps, read, llseek };
  node.node_ops = { ...nodeOps, getattr: (of) => ({ ...nodeOps.getattr(of), size: fileBytes }) };
}
