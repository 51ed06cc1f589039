/** float64 to float32. */
import { NextvecError } from '#shared/domain/errors.ts';

export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Rows of W values, the first of which is row `firstRow`. Throws OUT_OF_RANGE with the element that float32 cannot hold. */
export function toFloat32(values: Floats, place: string, firstRow: number, W: number): Float32Array<ArrayBuffer> {
  if (values instanceof Float32Array) return values;
  const narrow = Float32Array.from(values);
  const odd = narrow.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(values[i]));
  if (odd < 0) return narrow;
  const element = `[${firstRow + Math.floor(odd / W)}, ${odd % W}]`;
  throw new NextvecError('OUT_OF_RANGE', `${place}: element ${element} is ${values[odd]}, too large for float32.`, {
    remedy: 'Remove or repair this row and write the file again.',
  });
}
