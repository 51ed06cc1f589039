/** Fixed-width texts of numpy as strings: `U` is UTF-32, `S` is bytes read as Latin-1; both are padded with zeros. */
import type { StoredArray } from './stored-array.ts';
import { readWhole } from './bytes.ts';
import { elementsOf } from './table.ts';

const MAX_BYTES = 64 << 20;
const UTF32_BYTES = 4;

export async function readTexts(array: StoredArray): Promise<string[]> {
  const { dtype, dataOffset } = array;
  const all = await readWhole(array.member, MAX_BYTES);
  const view = new DataView(all.buffer, all.byteOffset + dataOffset, all.byteLength - dataOffset);
  const size = dtype.bytes;
  const step = dtype.kind === 'U' ? UTF32_BYTES : 1;
  return Array.from({ length: elementsOf(array) }, (_, i) => {
    const points: number[] = [];
    for (let at = i * size; at < (i + 1) * size; at += step) {
      const point = step === 1 ? view.getUint8(at) : view.getUint32(at, dtype.littleEndian);
      points.push(point <= 0x10ffff ? point : 0xfffd);
    }
    while (points.at(-1) === 0) points.pop();
    return points.map((point) => String.fromCodePoint(point)).join('');
  });
}
