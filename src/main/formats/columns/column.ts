/** Columns made of some readers: what a column cannot be read as is refused with what it is. */
import { READINGS } from '#shared/domain/datasets/mapping.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Column, Reading } from './table.ts';

/** The ways a column can be read. */
export type Readers = Partial<Pick<Column, 'rows' | 'integers' | 'texts' | 'records'>>;
const READER_OF = { floats: 'rows', integers: 'integers', texts: 'texts', records: 'records' } as const;

const REMEDIES: Readonly<Record<Reading, string>> = {
  floats: 'Store it as float16, float32 or float64.',
  integers: 'Store it as integers.',
  texts: 'Store it as text.',
  records: 'Store one dict for each row.',
};

function unsupported({ place, dtype }: Pick<Column, 'place' | 'dtype'>, reading: Reading): NextvecError {
  return new NextvecError('UNSUPPORTED_DTYPE', `${place}: ${reading} were expected, this is ${dtype}.`, {
    remedy: REMEDIES[reading],
  });
}

export interface ColumnFacts extends Pick<
  Column,
  'name' | 'place' | 'dtype' | 'shape' | 'partRows' | 'bytes' | 'storedBytes'
> {
  /** Checks what was not read; absent: reading it has checked all there is. */
  readonly verify?: Column['verify'];
}

/** A column that can be read by the given readers only. */
export function columnOf(facts: ColumnFacts, readers: Readers): Column {
  const refuse = (reading: Reading) => (): never => {
    throw unsupported(facts, reading);
  };
  return {
    verify: async () => undefined,
    ...facts,
    readableAs: READINGS.filter((reading) => readers[READER_OF[reading]] !== undefined),
    rows: readers.rows ?? refuse('floats'),
    integers: readers.integers ?? (async () => refuse('integers')()),
    texts: readers.texts ?? refuse('texts'),
    records: readers.records ?? refuse('records'),
  };
}
