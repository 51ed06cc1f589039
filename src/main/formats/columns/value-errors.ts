/** Errors about single values of a column, with their place and remedy. */
import { NextvecError } from '#shared/domain/errors.ts';

/** `place`: of the column. */
export function missingValue(place: string, row: number): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${place}: row ${row} has no value.`, {
    remedy: 'Repair or remove this row, or choose another column.',
  });
}

/** `place`: of the value, e.g. `x.parquet: doc_id: row 3`. */
export function notAnInteger(place: string, value: unknown): NextvecError {
  return new NextvecError('OUT_OF_RANGE', `${place} is ${String(value)}, not an integer below 2^53.`, {
    remedy: 'Number articles and chunks with integers.',
  });
}
