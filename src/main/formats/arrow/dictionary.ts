/** Dictionaries of an Arrow column: their values at each record batch. */
import type { Text } from '../columns/table.ts';
import { FieldReader, batchAt, type ArrowData, type BatchPlace } from './batches.ts';
import type { Counts, Encoding, ValueEncoding } from './schema.ts';
import { valuesOf } from './values.ts';

type Values = readonly (number | Text)[];

const NONE: Counts = { nodes: 0, buffers: 0, views: 0 };
const MAX_VALUES = 10_000_000;

/** For batches in their order: the dictionary as it is there. Throws RangeError where there is none. */
export function dictionaryReader(
  { opened, dictionaries }: ArrowData,
  encoding: Encoding | null,
  signal?: AbortSignal,
): (batch: BatchPlace) => Promise<Values> {
  let values: (number | Text)[] | null = null;
  let seen = 0;
  return async (batch) => {
    if (encoding?.as !== 'dictionary') throw new Error('a column with a dictionary was expected');
    const total = countsOf(encoding.values);
    for (; seen < batch.dictionaries; seen++) {
      const place = dictionaries[seen];
      if (place.id !== encoding.id) continue;
      if (values === null || !place.isDelta) values = [];
      const reader = new FieldReader(opened, await batchAt(opened, place, total), { from: NONE, to: total }, signal);
      try {
        for await (const block of valuesOf(reader, encoding.values)) {
          values.push(...block);
          if (values.length > MAX_VALUES) throw new RangeError(`a dictionary has more than ${MAX_VALUES} values`);
        }
      } finally {
        await reader.close();
      }
    }
    if (values === null) throw new RangeError('its dictionary is missing');
    return values;
  };
}

/** A dictionary is a batch of one field. */
function countsOf({ as }: ValueEncoding): Counts {
  return { nodes: 1, buffers: as === 'texts' ? 3 : 2, views: as === 'views' ? 1 : 0 };
}
