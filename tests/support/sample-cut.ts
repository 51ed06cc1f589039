/** Windows from the beginning of the sample that ships with the product, for tests of training on real vectors. */
import { readFileSync } from 'node:fs';
import type { WindowSource } from '#engine/types.ts';
import { halfToFloat } from '../../src/main/formats/columns/half.ts';
import { sourceOf } from './walks.ts';
import { fromBufferPromise } from './zip.ts';

const FILE = 'resources/sample/sample-train.npz';
/** Of the sample's vectors, float16. */
const WIDTH = 384;

/**
 * `windows` windows of T consecutive chunks of one article and the next chunk as target. Vectors are the first D dimensions
 * of the sample's, with a norm of 1.
 */
export async function sampleCut(windows: number, T: number, D: number): Promise<WindowSource> {
  const entries = await fromBufferPromise(readFileSync(FILE));
  const halves = new Uint16Array(bodyOf(entries.get('vectors.npy')));
  const articles = new Int32Array(bodyOf(entries.get('article_indices.npy')));
  const values = new Float32Array(windows * (T + 1) * D);
  let row = 0;
  for (let first = 0; row < windows * (T + 1) && first + T < articles.length; first++) {
    if (articles[first] !== articles[first + T]) continue;
    for (let t = 0; t <= T; t++, row++) {
      const vector = values.subarray(row * D, (row + 1) * D);
      halfToFloat(halves, (first + t) * WIDTH, vector, 0, D);
      const norm = Math.hypot(...vector);
      vector.forEach((x, d) => (vector[d] = x / norm));
    }
  }
  if (row < windows * (T + 1)) throw new RangeError(`${FILE} has fewer than ${windows} windows of ${T + 1} chunks`);
  return sourceOf(values, windows, T, D);
}

function bodyOf(npy: Buffer | undefined): ArrayBuffer {
  if (!npy) throw new Error(`${FILE} lacks an array`);
  const body = npy.subarray(10 + npy.readUInt16LE(8));
  return new Uint8Array(body).buffer;
}
