/** An Arrow file or stream (Feather version 2 is such a file): its schema, batches and columns. Loaded only when one is opened. */
import type { FileHandle } from 'node:fs/promises';
import { Endianness } from 'apache-arrow/fb/endianness';
import type { Column } from '../columns/table.ts';
import { parseBatch, storedBytesOf, type ArrowData, type BatchPlace, type DictionaryPlace } from './batches.ts';
import { arrowColumn } from './column.ts';
import { UnsupportedArrow, arrowError } from './errors.ts';
import { dictionaryOf, messagesOf, schemaOf, type ArrowMessage, type OpenFile } from './messages.ts';
import { arrowFields, type ArrowField } from './schema.ts';

const MAX_BATCHES = 1 << 20;

/** Name and column of each field; of fields of one name the first. */
export async function openArrow(
  handle: FileHandle,
  fileBytes: number,
  file: string,
): Promise<Map<string, () => Promise<Column>>> {
  try {
    const { data, storedBytes } = await readPlaces({ handle, fileBytes, file });
    const columns = new Map<string, () => Promise<Column>>();
    for (const [i, field] of data.fields.entries()) {
      if (columns.has(field.name)) continue;
      columns.set(field.name, () => arrowColumn(data, field, storedBytes[i]));
    }
    return columns;
  } catch (error) {
    throw arrowError(error, file);
  }
}

interface Places {
  readonly data: ArrowData;
  /** Of each field, as its buffers lie in the file. */
  readonly storedBytes: readonly number[];
}

async function readPlaces(opened: OpenFile): Promise<Places> {
  const messages = messagesOf(opened);
  const first = await messages.next();
  if (first.done) throw new RangeError('it holds no schema');
  const fields = fieldsOf(first.value);
  const total = fields.at(-1)?.to ?? { nodes: 0, buffers: 0, views: 0 };
  const batches: BatchPlace[] = [];
  const dictionaries: DictionaryPlace[] = [];
  const storedBytes = fields.map(() => 0);
  for await (const message of messages) {
    const { message: header, ...place } = message;
    const dictionary = dictionaryOf(header);
    if (dictionary) dictionaries.push({ ...place, id: dictionary.id(), isDelta: dictionary.isDelta() });
    else {
      const batch = parseBatch(message, total);
      if (fields.some(({ from }) => batch.nodes[from.nodes].rows !== batch.rows)) {
        throw new RangeError('the columns of a batch differ in length');
      }
      storedBytesOf(batch, fields).forEach((bytes, i) => (storedBytes[i] += bytes));
      batches.push({ ...place, rows: batch.rows, dictionaries: dictionaries.length });
    }
    if (batches.length + dictionaries.length > MAX_BATCHES)
      throw new RangeError(`it has more than ${MAX_BATCHES} batches`);
  }
  return { data: { opened, fields, total, batches, dictionaries }, storedBytes };
}

function fieldsOf({ message }: ArrowMessage): ArrowField[] {
  const schema = schemaOf(message);
  if (!schema) throw new RangeError('it does not begin with a schema');
  if (schema.endianness() !== Endianness.Little) throw new UnsupportedArrow('it was written on a big-endian machine');
  return arrowFields(schema, message.version());
}
