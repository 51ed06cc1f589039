/**
 * A file of vectors as another encoder might have made it: every vector goes through one orthogonal map, which permutes
 * the coordinates and flips the signs of half of them. Norms, and cosines within the file, stay as they are. D vector width.
 */
import { writeFile } from 'node:fs/promises';
import { Random } from '#engine/random.ts';
import { openDataFile } from '../formats/open.ts';
import { writeThenRename } from '../formats/files/output-file.ts';
import { encodeSafetensors, type Tensor } from '../formats/safetensors.ts';
import { readFloats, rowLength } from '../formats/columns/table.ts';

/** Writes a file of chunks as safetensors: its vectors turned, its article and chunk numbers as they are. */
export async function writeTurned(from: string, to: string, seed: number): Promise<void> {
  const file = await openDataFile(from);
  try {
    const tensors = new Map<string, Tensor>();
    for (const name of file.names) {
      const column = await file.column(name);
      const isMatrix = column.shape.length === 2;
      const data = isMatrix ? await readFloats(column) : Float32Array.from(await column.integers());
      if (isMatrix) turn(data, rowLength(column), seed);
      tensors.set(name, { shape: column.shape, data });
    }
    await writeThenRename(to, (temporary) => writeFile(temporary, encodeSafetensors(tensors)));
  } finally {
    await file.close();
  }
}

/** `values`: [R, D], in place. */
function turn(values: Float32Array, D: number, seed: number): void {
  const random = new Random(seed);
  const from = Uint32Array.from({ length: D }, (_, d) => d);
  random.shuffle(from);
  const signs = Float32Array.from({ length: D }, () => (random.uniform() < 0.5 ? -1 : 1));
  const row = new Float32Array(D);
  for (let start = 0; start < values.length; start += D) {
    row.set(values.subarray(start, start + D));
    for (let d = 0; d < D; d++) values[start + d] = signs[d] * row[from[d]];
  }
}
