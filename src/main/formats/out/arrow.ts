/**
 * Writes a table as an Arrow file (Feather 2): one record batch after the other. apache-arrow encodes schema and headers; its
 * own writer queues what is not on disk yet without bound, so messages are framed and buffers copied here.
 */
import { MetadataVersion } from 'apache-arrow/fb/metadata-version';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BufferRegion, FieldNode, Message, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { Field, Schema } from 'apache-arrow/schema';
import { FixedSizeList, Float16, Float32, Int64, Utf8, type DataType } from 'apache-arrow/type';
import {
  blocksOf,
  elementsOfRow,
  rowsOfBytes,
  type ByteSink,
  type OutColumn,
  type OutTable,
  type WriteOptions,
} from './table.ts';

const BATCH_BYTES = 8 << 20;
/** Of what is not vectors. */
const BATCH_ROWS = 8192;
const MAGIC = 'ARROW1';
const ALIGNMENT = 8;
/** Before the header of a message: -1, then its size. */
const PREFIX_BYTES = 8;
const END_OF_STREAM = Buffer.from(Int32Array.of(-1, 0).buffer);

export async function writeArrow(
  table: OutTable,
  out: ByteSink,
  { signal, onRows }: Pick<WriteOptions, 'signal' | 'onRows'>,
): Promise<void> {
  let position = 0;
  const write = async (...parts: Uint8Array[]): Promise<void> => {
    for (const part of parts) await out.write(part);
    position += parts.reduce((sum, part) => sum + part.length, 0);
  };
  const schema = new Schema(table.columns.map((column) => new Field(column.name, typeOf(column), column.kind === 'texts')));
  const blocks: FileBlock[] = [];
  await write(Buffer.from(`${MAGIC}\0\0`), ...framed(Message.from(schema)));
  for (const { first, count } of blocksOf(table.rows, Math.min(BATCH_ROWS, rowsOfBytes(table, BATCH_BYTES)), signal)) {
    const { header, bodyBytes, body } = batchOf(table.columns, first, count);
    const message = framed(Message.from(header, bodyBytes));
    const headerBytes = message.reduce((sum, part) => sum + part.length, 0);
    blocks.push(new FileBlock(headerBytes, bodyBytes, position));
    await write(...message, ...body);
    onRows(count);
  }
  const footer = Footer.encode(new Footer(schema, MetadataVersion.V5, blocks, []));
  await write(END_OF_STREAM, footer, Buffer.from(Int32Array.of(footer.length).buffer), Buffer.from(MAGIC));
}

function typeOf(column: OutColumn): DataType {
  if (column.kind === 'integers') return new Int64();
  if (column.kind === 'floats') return new Float32();
  if (column.kind === 'texts') return new Utf8();
  const element = column.dtype === 'float32' ? new Float32() : new Float16();
  return new FixedSizeList(elementsOfRow(column), new Field('item', element, false));
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT);
}

/** A message with its size before it, padded. */
function framed(message: Message): Uint8Array[] {
  const header = Message.encode(message);
  const end = padding(PREFIX_BYTES + header.length);
  return [Buffer.from(Int32Array.of(-1, header.length + end.length).buffer), header, end];
}

interface Batch {
  readonly header: RecordBatch;
  readonly bodyBytes: number;
  readonly body: readonly Uint8Array[];
}

function batchOf(columns: readonly OutColumn[], first: number, count: number): Batch {
  const nodes: FieldNode[] = [];
  const regions: BufferRegion[] = [];
  const body: Uint8Array[] = [];
  let at = 0;
  for (const column of columns) {
    const array = arrayOf(column, first, count);
    nodes.push(...array.nodes);
    for (const buffer of array.buffers) {
      regions.push(new BufferRegion(at, buffer.length));
      const end = padding(buffer.length);
      body.push(buffer, end);
      at += buffer.length + end.length;
    }
  }
  return { header: new RecordBatch(count, nodes, regions, null), bodyBytes: at, body };
}

/** Of a column without missing values. */
const NO_VALIDITY = new Uint8Array(0);

function arrayOf(column: OutColumn, first: number, count: number) {
  const node = new FieldNode(count, 0);
  if (column.kind === 'vectors') {
    const elements = new FieldNode(count * elementsOfRow(column), 0);
    return { nodes: [node, elements], buffers: [NO_VALIDITY, NO_VALIDITY, column.read(first, count)] };
  }
  if (column.kind === 'texts') return textArray(column.read(first, count));
  return { nodes: [node], buffers: [NO_VALIDITY, new Uint8Array(column.read(first, count).buffer)] };
}

function textArray(texts: readonly (string | null)[]) {
  const utf8 = texts.map((text) => Buffer.from(text ?? ''));
  const offsets = new Int32Array(texts.length + 1);
  const validity = new Uint8Array(Math.ceil(texts.length / 8));
  for (const [i, text] of texts.entries()) {
    offsets[i + 1] = offsets[i] + utf8[i].length;
    if (text !== null) validity[i >> 3] |= 1 << (i & 7);
  }
  const missing = texts.filter((text) => text === null).length;
  const buffers = [missing > 0 ? validity : NO_VALIDITY, new Uint8Array(offsets.buffer), Buffer.concat(utf8)];
  return { nodes: [new FieldNode(texts.length, missing)], buffers };
}
