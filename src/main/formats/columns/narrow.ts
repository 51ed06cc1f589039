/** float64 to float32. */
import { NextvecError } from '#shared/domain/errors.ts';

export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Throws OUT_OF_RANGE for a finite number that float32 cannot hold; `placeOf(i)` names the file and place of values[i]. */
export function toFloat32(values: Floats, placeOf: (i: number) => string): Float32Array<ArrayBuffer> {
  if (values instanceof Float32Array) return values;
  const narrow = new Float32Array(values);
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(narrow[i]) || !Number.isFinite(values[i])) continue;
    throw new NextvecError('OUT_OF_RANGE', `${placeOf(i)} is ${values[i]}, too large for float32.`, {
      remedy: 'Remove or repair this row and write the file again.',
    });
  }
  return narrow;
}

/** Names element i of a column with rows of W elements. */
export function elementPlace(place: string, i: number, W: number): string {
  return `${place}: element [${Math.floor(i / W)}, ${i % W}]`;
}
