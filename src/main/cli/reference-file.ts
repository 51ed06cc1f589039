/** Reads a whole reference file (.npz of small float arrays and 0-d text) for `verify`. */
import { basename } from 'node:path';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { openDataFile } from '../formats/open.ts';
import { allTexts, readFloats } from '../formats/columns/table.ts';
import type { ReferenceArray, ReferenceArrays } from '#engine/reference.ts';

/** An error about what a reference file holds, with the name of the file. */
export function inReference(path: string, error: unknown): unknown {
  if (!isNextvecError(error) || error.code !== 'BAD_INPUT') return error;
  const { code, message, remedy, details } = error;
  return new NextvecError(code, `${basename(path)}: ${message}`, { remedy, details, cause: error });
}

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
