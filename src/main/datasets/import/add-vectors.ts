/** Adds the vectors of a column to the store of an import. D width. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError, isNextvecError, throwIfCancelled, type ErrorCode } from '#shared/domain/errors.ts';
import type { DataWarning } from '#shared/domain/datasets/passport.ts';
import { elementsOf, type Column } from '../../formats/columns/table.ts';
import type { ReadOptions } from './read-data.ts';
import type { VectorStoreWriter } from '../vector-store.ts';

export function lossWarnings({ valuesLost }: VectorStoreWriter): DataWarning[] {
  if (valuesLost === 0) return [];
  const message = `${valuesLost} values are too small for float16 and are stored as 0. Import with float32 to keep them.`;
  return [{ code: 'VALUES_LOST', message, count: valuesLost }];
}

/** Adds every vector of a column to the store; `place(n, id)` gets the n-th vector in file order. */
export async function addVectors(
  array: Column,
  writer: VectorStoreWriter,
  options: ReadOptions,
  place: (vector: number, id: number) => void,
): Promise<void> {
  const { signal, scratchFolder } = options;
  const rowVectors = array.shape.slice(1, -1).reduce((product, n) => product * n, 1);
  const elementBytes = array.bytes / elementsOf(array);
  try {
    for await (const { firstRow, rows, values } of array.rows({ signal, scratchFolder })) {
      if (options.normalise) normaliseRows(values, writer.D);
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
      for (let v = 0; v < rows * rowVectors; v++) {
        const vector = firstRow * rowVectors + v;
        const start = v * writer.D;
        const refuse = (d: number): Error => notFinite(array, vector, d, values[start + d], writer.dtype);
        place(vector, writer.add(values, bits, start, refuse));
      }
      options.onBytes(rows * rowVectors * writer.D * elementBytes);
      await nextTurn();
      throwIfCancelled(options.signal, 'The import');
    }
  } catch (error) {
    // A flipped bit can cause an odd value; a failed checksum is then the better message.
    if (isNextvecError(error) && ODD_VALUE.has(error.code)) await array.verify({ signal });
    throw error;
  }
}

/** Scales rows of D elements to length 1, in place; rows of zeros stay. */
function normaliseRows(values: Float32Array, D: number): void {
  for (let start = 0; start < values.length; start += D) {
    let squares = 0;
    for (let i = start; i < start + D; i++) squares += values[i] * values[i];
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 1;
    for (let i = start; i < start + D; i++) values[i] *= scale;
  }
}

const ODD_VALUE = new Set<ErrorCode>(['NOT_FINITE', 'OUT_OF_RANGE']);

function notFinite(array: Column, vector: number, d: number, value: number, dtype: string): NextvecError {
  const axes = array.shape.slice(0, -1);
  const at = axes.length === 2 ? [Math.floor(vector / axes[1]), vector % axes[1], d] : [vector, d];
  const where = `${array.place}: element [${at.join(', ')}]`;
  if (Number.isFinite(value)) {
    return new NextvecError(
      'OUT_OF_RANGE',
      `${where} is ${value}, too ${Math.abs(value) > 1 ? 'large' : 'small'} for ${dtype}.`,
      {
        remedy: 'Import with float32.',
      },
    );
  }
  return new NextvecError('NOT_FINITE', `${where} is ${Number.isNaN(value) ? 'NaN' : 'infinite'}.`, {
    remedy: 'Remove or repair this row and write the file again.',
    details: { array: array.name, index: at },
  });
}
