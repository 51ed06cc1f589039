/** Record batches and dictionaries of an Arrow file: where the buffers of each lie, and their plain bytes as streams. */
import { BodyCompressionMethod } from 'apache-arrow/fb/body-compression-method';
import { CompressionType } from 'apache-arrow/fb/compression-type';
import type { RecordBatch } from 'apache-arrow/fb/record-batch';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { readExactly } from '../files/bytes.ts';
import { inflate } from '../rows/text-stream.ts';
import { ByteStream } from './byte-stream.ts';
import { lz4Frame } from './lz4.ts';
import { UnsupportedArrow } from './errors.ts';
import { batchOf, readHeader, type ArrowMessage, type OpenFile } from './messages.ts';
import type { ArrowField, Counts } from './schema.ts';

/** What is kept of a record batch until a column is read. */
export interface BatchPlace extends Omit<ArrowMessage, 'message'> {
  readonly rows: number;
  /** Dictionaries that stand before it. */
  readonly dictionaries: number;
}

export interface DictionaryPlace extends Omit<ArrowMessage, 'message'> {
  readonly id: bigint;
  /** Its values come after those it had. */
  readonly isDelta: boolean;
}

/** What an opened file is: its fields, and where its batches lie. */
export interface ArrowData {
  readonly opened: OpenFile;
  readonly fields: readonly ArrowField[];
  /** Of all fields. */
  readonly total: Counts;
  readonly batches: readonly BatchPlace[];
  readonly dictionaries: readonly DictionaryPlace[];
}

type Codec = 'lz4' | 'zstd' | null;

export interface Batch {
  readonly rows: number;
  readonly nodes: readonly { readonly rows: number; readonly nulls: number }[];
  readonly buffers: readonly { readonly position: number; readonly bytes: number }[];
  /** Variadic buffers of each field that has them. */
  readonly views: readonly number[];
  readonly codec: Codec;
}

const PIECE_BYTES = 1 << 20;
/** A compressed buffer begins with its plain length; -1: it is not compressed. */
const LENGTH_BYTES = 8;
const MAX_ROWS = 2 ** 40;

/** Throws RangeError for a batch that does not have the nodes and buffers of the schema, or points outside its body. */
export function parseBatch(message: ArrowMessage, total: Counts): Batch {
  const batch = batchOf(message.message);
  if (!batch) throw new RangeError('a batch has no data');
  const rows = countOf(batch.length());
  const views = viewsOf(batch, total);
  const bufferCount = views.reduce((sum, count) => sum + count, total.buffers);
  if (batch.nodesLength() !== total.nodes || batch.buffersLength() !== bufferCount) {
    throw new RangeError('a batch does not have the columns of the schema');
  }
  const nodes = Array.from({ length: total.nodes }, (_, i) => {
    const node = batch.nodes(i);
    return { rows: countOf(node?.length()), nulls: countOf(node?.nullCount()) };
  });
  const buffers = Array.from({ length: bufferCount }, (_, i) => {
    const buffer = batch.buffers(i);
    const [offset, bytes] = [countOf(buffer?.offset()), countOf(buffer?.length())];
    if (offset + bytes > message.bodyBytes) throw new RangeError('a buffer lies outside its batch');
    return { position: message.bodyPosition + offset, bytes };
  });
  return { rows, nodes, buffers, views, codec: codecOf(batch) };
}

function viewsOf(batch: RecordBatch, { views }: Counts): number[] {
  if (batch.variadicBufferCountsLength() < views) throw new RangeError('a batch does not count its variadic buffers');
  const counts = Array.from({ length: views }, (_, i) => countOf(batch.variadicBufferCounts(i) ?? undefined));
  if (counts.some((count) => count > batch.buffersLength())) throw new RangeError('a batch lacks variadic buffers');
  return counts;
}

function countOf(value: bigint | undefined): number {
  if (value !== undefined && value >= 0n && value <= MAX_ROWS) return Number(value);
  throw new RangeError(`a batch gives a length as ${value}`);
}

function codecOf(batch: RecordBatch): Codec {
  const compression = batch.compression();
  if (!compression) return null;
  if (compression.method() !== BodyCompressionMethod.BUFFER)
    throw new UnsupportedArrow('its batches are compressed whole');
  switch (compression.codec()) {
    case CompressionType.LZ4_FRAME:
      return 'lz4';
    case CompressionType.ZSTD:
      return 'zstd';
    default:
      throw new UnsupportedArrow(`its buffers are compressed with codec ${String(compression.codec())}`);
  }
}

/** Nodes and buffers of one field of a batch. The caller closes it. */
export class FieldReader {
  readonly nodes: Batch['nodes'];
  private readonly opened: OpenFile;
  private readonly batch: Batch;
  private readonly first: number;
  private readonly end: number;
  private readonly signal: AbortSignal | undefined;
  private readonly streams: ByteStream[] = [];

  constructor(opened: OpenFile, batch: Batch, { from, to }: Pick<ArrowField, 'from' | 'to'>, signal?: AbortSignal) {
    this.opened = opened;
    this.batch = batch;
    this.signal = signal;
    this.nodes = batch.nodes.slice(from.nodes, to.nodes);
    this.first = bufferPlace(batch, from);
    this.end = bufferPlace(batch, to);
  }

  get bufferCount(): number {
    return this.end - this.first;
  }

  /** The plain bytes of a buffer of the field. */
  async buffer(index: number): Promise<ByteStream> {
    const region = this.batch.buffers[this.first + index];
    const stream = new ByteStream(await this.plain(region));
    this.streams.push(stream);
    return stream;
  }

  async close(): Promise<void> {
    for (const stream of this.streams) await stream.close();
  }

  private async plain({ position, bytes }: Batch['buffers'][number]): Promise<AsyncGenerator<Uint8Array>> {
    const { codec } = this.batch;
    const { handle, file } = this.opened;
    if (codec === null || bytes === 0) return this.stored(position, bytes);
    if (bytes < LENGTH_BYTES) throw new RangeError('a compressed buffer lacks its length');
    const prefix = Buffer.alloc(LENGTH_BYTES);
    await readExactly(handle, prefix, position, file);
    const compressed = this.stored(position + LENGTH_BYTES, bytes - LENGTH_BYTES);
    if (prefix.readBigInt64LE() === -1n) return compressed;
    return codec === 'lz4' ? lz4Frame(new ByteStream(compressed)) : inflate(compressed, 'zstd', file);
  }

  private async *stored(position: number, bytes: number): AsyncGenerator<Buffer> {
    const { handle, file } = this.opened;
    for (let done = 0; done < bytes;) {
      throwIfCancelled(this.signal, 'Reading');
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes - done));
      await readExactly(handle, piece, position + done, file);
      done += piece.length;
      yield piece;
    }
  }
}

function bufferPlace({ views }: Batch, counts: Counts): number {
  return views.slice(0, counts.views).reduce((sum, count) => sum + count, counts.buffers);
}

/** Reads the header of a batch again. */
export async function batchAt(opened: OpenFile, place: Omit<ArrowMessage, 'message'>, total: Counts): Promise<Batch> {
  return parseBatch({ ...place, message: await readHeader(opened, place) }, total);
}

/** Bytes of each field as they lie in the file. */
export function storedBytesOf(batch: Batch, fields: readonly ArrowField[]): number[] {
  return fields.map(({ from, to }) =>
    batch.buffers.slice(bufferPlace(batch, from), bufferPlace(batch, to)).reduce((sum, { bytes }) => sum + bytes, 0),
  );
}
