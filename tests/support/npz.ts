/** Reads and writes the small .npz fixtures (little-endian C-order numbers and 0-d text) for tests; the product's reader is in src/main. */
import { createWriteStream, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { fromBufferPromise } from './zip.ts';
import type { ReferenceArray } from '#engine/reference.ts';
import { encodeNpy } from '../../src/main/formats/npy/write.ts';

export async function readNpz(path: string): Promise<Map<string, ReferenceArray>> {
  const entries = await fromBufferPromise(readFileSync(path));
  return new Map(Array.from(entries, ([name, bytes]) => [name.replace(/\.npy$/, ''), parseNpy(name, bytes)]));
}

function parseNpy(name: string, bytes: Buffer): ReferenceArray {
  const headerBytes = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + headerBytes);
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((s) => s.trim() !== '')
    .map(Number);
  const body = bytes.subarray(10 + headerBytes);
  const copy = body.buffer.slice(body.byteOffset, body.byteOffset + body.length) as ArrayBuffer;
  if (descr === '<f4') return { shape, data: new Float32Array(copy) };
  if (descr === '<f8') return { shape, data: new Float64Array(copy) };
  if (descr.startsWith('<U')) return { shape, data: String.fromCodePoint(...new Uint32Array(copy)) };
  throw new Error(`${name}: fixture dtype ${descr} is not handled by this test helper`);
}

/** Writes float32 arrays as one .npz. */
export async function writeNpz(
  path: string,
  arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
): Promise<void> {
  const zip = new ZipFile();
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    zip.addBuffer(Buffer.from(encodeNpy({ shape, data })), `${name}.npy`, { compress: false });
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}
