/** Reads a whole reference file (.npz of small float arrays and 0-d text) for `verify`. */
import { openArrayFile, type ArrayInfo } from '../formats/arrays.ts';
import { readWhole } from '../formats/bytes.ts';
import { readRows, rowLength } from '../formats/rows.ts';
import type { ReferenceArray, ReferenceArrays } from '#engine/verify.ts';

const TEXT_LIMIT_BYTES = 1 << 20;

export async function readReference(path: string): Promise<ReferenceArrays> {
  const file = await openArrayFile(path);
  try {
    const arrays = new Map<string, ReferenceArray>();
    for (const array of file.arrays) arrays.set(array.name, await readArray(array));
    return arrays;
  } finally {
    await file.close();
  }
}

async function readArray(array: ArrayInfo): Promise<ReferenceArray> {
  const { shape } = array;
  if (array.dtype.kind === 'U') return { shape, data: await readText(array) };
  // A 0-d array is read as one row of one number.
  const asRows = shape.length === 0 ? { ...array, shape: [1] } : array;
  const values = new Float32Array(asRows.shape[0] * rowLength(asRows));
  for await (const block of readRows(asRows)) values.set(block.values, block.firstRow * rowLength(asRows));
  return { shape, data: values };
}

/** numpy's fixed-width text: UTF-32, padded with zeros. */
async function readText(array: ArrayInfo): Promise<string> {
  const bytes = await readWhole(array.member, TEXT_LIMIT_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset + array.dataOffset);
  const points = Array.from({ length: view.byteLength >> 2 }, (_, i) =>
    view.getUint32(4 * i, array.dtype.littleEndian),
  );
  return String.fromCodePoint(...points.filter((point) => point !== 0));
}
