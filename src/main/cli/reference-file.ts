/** Reads a whole reference file (.npz of small float arrays and 0-d text) for `verify`. */
import { openDataFile } from '../formats/open.ts';
import { allTexts, readFloats } from '../formats/columns/table.ts';
import type { ReferenceArray, ReferenceArrays } from '#engine/reference.ts';

export async function readReference(path: string): Promise<ReferenceArrays> {
  const file = await openDataFile(path);
  try {
    const arrays = new Map<string, ReferenceArray>();
    for (const name of file.names) {
      const column = await file.column(name);
      const isText = column.readableAs[0] === 'texts';
      const data = isText ? (await allTexts(column)).join('') : await readFloats(column);
      arrays.set(name, { shape: column.shape, data });
    }
    return arrays;
  } finally {
    await file.close();
  }
}
