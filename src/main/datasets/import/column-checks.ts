/** Refuses columns of vectors by their descriptions alone: type, axes, counts that differ, sizes. T context length, D vector width. */
import { totalmem } from 'node:os';
import { NextvecError } from '#shared/domain/errors.ts';
import { LIST_OF_LISTS, refuseImplausibleRatio, type Column } from '../../formats/columns/table.ts';

const MAX_T = 4096;
const MAX_D = 65_536;
const MAX_ROW_ELEMENTS = 1 << 24;
const MAX_IDS = 2 ** 31;
/** Share of this machine's memory that the ids of all windows may take. */
const IDS_SHARE = 0.25;
const ID_BYTES = 4;

export function requireAxes(array: Column, axes: readonly string[]): void {
  if (array.shape.length === axes.length) return;
  throw new NextvecError(
    'WRONG_RANK',
    `${array.place}: ${axes.length} axes [${axes.join(', ')}] were expected, its shape is (${array.shape.join(', ')}).`,
    { remedy: `Reshape "${array.name}" to [${axes.join(', ')}].` },
  );
}

/** For vectors that are no floats. */
function remedyOf({ name, dtype, readableAs }: Column): string {
  if (dtype === LIST_OF_LISTS) {
    return `Write contexts as an array of three axes: in Python, numpy.savez(FILE, ${name}=numpy.array(dataset["${name}"])), and the other columns beside it. Or write one chunk a row.`;
  }
  if (readableAs.includes('records')) {
    return `Its rows differ in length or are objects: make one array of equal rows with ${name} = numpy.stack(${name}).`;
  }
  return 'Store the embeddings themselves as float16, float32 or float64.';
}

export function requireFloats(array: Column): void {
  if (array.readableAs.includes('floats')) return refuseImplausibleRatio(array);
  const remedy = remedyOf(array);
  throw new NextvecError('UNSUPPORTED_DTYPE', `${array.place}: vectors must be floats, this array is ${array.dtype}.`, {
    remedy,
  });
}

/** What is counted along an axis, and the code where counts differ. */
const MISMATCH_CODES = {
  rows: 'COUNT_MISMATCH',
  columns: 'WIDTH_MISMATCH',
  'context positions': 'WIDTH_MISMATCH',
} as const;

/** Refuses axes of different lengths. */
export function requireEqual(
  what: keyof typeof MISMATCH_CODES,
  a: Column,
  axisA: number,
  b: Column,
  axisB: number,
): void {
  if (a.shape[axisA] === b.shape[axisB]) return;
  throw new NextvecError(
    MISMATCH_CODES[what],
    `${a.place} has ${a.shape[axisA]} ${what}, but ${b.name} has ${b.shape[axisB]}; they must be equal.`,
    { remedy: 'Write both arrays from the same run of the pipeline.' },
  );
}

export function requireSizes(array: Column, T: number, D: number): void {
  const rows = array.shape[0];
  if (rows === 0 || T === 0 || D === 0) {
    throw new NextvecError('EMPTY', `${array.place}: the array is empty, its shape is (${array.shape.join(', ')}).`, {
      remedy: 'Choose a file that holds at least one row.',
    });
  }
  if (T <= MAX_T && D <= MAX_D && T * D <= MAX_ROW_ELEMENTS && rows * (T + 1) <= MAX_IDS) {
    return requireMemory(array, rows * (T + 1) * ID_BYTES);
  }
  throw new NextvecError(
    'OUT_OF_RANGE',
    `${array.place}: shape (${array.shape.join(', ')}) is beyond what is supported (T ≤ ${MAX_T}, D ≤ ${MAX_D}).`,
  );
}

/** Vectors stay on disk, the ids of the windows do not. */
function requireMemory(array: Column, bytes: number): void {
  if (bytes <= IDS_SHARE * totalmem()) return;
  const gigabytes = (n: number): string => (n / 1e9).toFixed(1);
  throw new NextvecError(
    'OUT_OF_RANGE',
    `${array.place}: its ${array.shape[0]} rows need ${gigabytes(bytes)} GB for window ids alone; this machine has ${gigabytes(totalmem())} GB.`,
    { remedy: 'Take a part of the rows, or a machine with more memory.' },
  );
}
