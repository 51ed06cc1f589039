/**
 * The messages of an Arrow file or stream: a schema, then dictionaries and record batches. Headers are read with the accessors that
 * flatc generated (apache-arrow/fb): they take nothing into memory before it is asked for, and what lies outside a header reads as 0.
 */
import type { FileHandle } from 'node:fs/promises';
import { DictionaryBatch } from 'apache-arrow/fb/dictionary-batch';
import { Footer } from 'apache-arrow/fb/footer';
import { Message } from 'apache-arrow/fb/message';
import { MessageHeader } from 'apache-arrow/fb/message-header';
import { RecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema } from 'apache-arrow/fb/schema';
import { ByteBuffer } from 'flatbuffers';
import { readExactly } from '../files/bytes.ts';
import { TruncatedArrow } from './errors.ts';

/** An open file; `file` names it in messages. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly fileBytes: number;
  readonly file: string;
}

export interface ArrowMessage {
  readonly message: Message;
  /** Of the header in the file. */
  readonly headerPosition: number;
  readonly headerBytes: number;
  readonly bodyPosition: number;
  readonly bodyBytes: number;
}

export const FILE_MAGIC = 'ARROW1';
const CONTINUATION = 0xffffffff;
const PREFIX_BYTES = 8;
const MAX_HEADER_BYTES = 64 << 20;

/** The schema first. Throws RangeError for what is no Arrow, TruncatedArrow for a file that ends too early. */
export async function* messagesOf(opened: OpenFile): AsyncGenerator<ArrowMessage> {
  const start = Buffer.alloc(Math.min(FILE_MAGIC.length, opened.fileBytes));
  await readExactly(opened.handle, start, 0, opened.file);
  if (start.toString('latin1') === FILE_MAGIC) {
    yield* messagesOfFile(opened);
    return;
  }
  for (let position = 0; ;) {
    const message = await readMessage(opened, position);
    if (message === null) return;
    yield message;
    position = message.bodyPosition + message.bodyBytes;
  }
}

/** A file lists its messages in a footer: [footer][its length][ARROW1]. Its schema stands first, as in a stream. */
async function* messagesOfFile(opened: OpenFile): AsyncGenerator<ArrowMessage> {
  const { handle, fileBytes, file } = opened;
  const tail = Buffer.alloc(Math.min(4 + FILE_MAGIC.length, fileBytes));
  await readExactly(handle, tail, fileBytes - tail.length, file);
  if (tail.toString('latin1', 4) !== FILE_MAGIC) throw new TruncatedArrow('the footer at its end is missing');
  const footerBytes = tail.readUInt32LE();
  if (footerBytes > Math.min(MAX_HEADER_BYTES, fileBytes - tail.length)) {
    throw new RangeError(`its footer claims ${footerBytes} bytes`);
  }
  const bytes = new Uint8Array(footerBytes);
  await readExactly(handle, bytes, fileBytes - tail.length - footerBytes, file);
  const footer = Footer.getRootAsFooter(new ByteBuffer(bytes));
  const positions = [FILE_MAGIC.length + 2, ...blocks(footer, footerBytes)];
  for (const position of positions) {
    const message = await readMessage(opened, position);
    if (message === null) throw new RangeError(`there is no message at byte ${position}`);
    yield message;
  }
}

const BLOCK_BYTES = 24;

/** Positions of dictionaries and record batches, in the order in which they stand in the file. */
function blocks(footer: Footer, footerBytes: number): number[] {
  const dictionaries = footer.dictionariesLength();
  const batches = footer.recordBatchesLength();
  if (dictionaries < 0 || batches < 0 || (dictionaries + batches) * BLOCK_BYTES > footerBytes) {
    throw new RangeError('its footer lists more batches than it can hold');
  }
  const positions = [
    ...Array.from({ length: dictionaries }, (_, i) => Number(footer.dictionaries(i)?.offset())),
    ...Array.from({ length: batches }, (_, i) => Number(footer.recordBatches(i)?.offset())),
  ];
  return positions.toSorted((a, b) => a - b);
}

/** null: the stream ends there. */
async function readMessage(opened: OpenFile, position: number): Promise<ArrowMessage | null> {
  const { handle, fileBytes, file } = opened;
  if (!(position >= 0 && position + PREFIX_BYTES <= fileBytes)) throw new TruncatedArrow('its end is missing');
  const prefix = Buffer.alloc(PREFIX_BYTES);
  await readExactly(handle, prefix, position, file);
  if (prefix.readUInt32LE() !== CONTINUATION) throw new RangeError(`there is no message at byte ${position}`);
  const headerBytes = prefix.readUInt32LE(4);
  if (headerBytes === 0) return null;
  if (headerBytes > MAX_HEADER_BYTES) throw new RangeError(`a message has a header of ${headerBytes} bytes`);
  const headerPosition = position + PREFIX_BYTES;
  const bodyPosition = headerPosition + headerBytes;
  const cutOff = new TruncatedArrow(`the message at byte ${position} is cut off`);
  if (bodyPosition > fileBytes) throw cutOff;
  const message = await readHeader(opened, { headerPosition, headerBytes });
  const bodyBytes = Number(message.bodyLength());
  if (bodyBytes < 0) throw new RangeError(`a message has a body of ${bodyBytes} bytes`);
  if (bodyPosition + bodyBytes > fileBytes) throw cutOff;
  return { message, headerPosition, headerBytes, bodyPosition, bodyBytes };
}

export async function readHeader(
  { handle, file }: OpenFile,
  { headerPosition, headerBytes }: Pick<ArrowMessage, 'headerPosition' | 'headerBytes'>,
): Promise<Message> {
  const header = new Uint8Array(headerBytes);
  await readExactly(handle, header, headerPosition, file);
  return Message.getRootAsMessage(new ByteBuffer(header));
}

/** null: it is another kind of message. */
export function schemaOf(message: Message): Schema | null {
  const schema = new Schema();
  return message.headerType() === MessageHeader.Schema && message.header(schema) !== null ? schema : null;
}

/** Of a record batch or a dictionary, whose values are a batch of one column; null: it is another kind of message. */
export function batchOf(message: Message): RecordBatch | null {
  const batch = new RecordBatch();
  if (message.headerType() === MessageHeader.RecordBatch) return message.header(batch) === null ? null : batch;
  return dictionaryOf(message)?.data(batch) ?? null;
}

/** null: it is another kind of message. */
export function dictionaryOf(message: Message): DictionaryBatch | null {
  const dictionary = new DictionaryBatch();
  return message.headerType() === MessageHeader.DictionaryBatch && message.header(dictionary) !== null
    ? dictionary
    : null;
}
