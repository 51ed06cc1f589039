/** Writes a table as .npz, array after array: vectors and integers as they are, texts as fixed-width unicode, compressed. */
import { PassThrough, Readable } from 'node:stream';
import yazl from 'yazl';
import { npyHeader } from '../npy/write.ts';
import {
  blocksOf,
  rowBytes,
  type ByteSink,
  type FloatColumn,
  type IntegerColumn,
  type OutColumn,
  type OutTable,
  type TextColumn,
  type VectorColumn,
  type WriteOptions,
} from './table.ts';

const BLOCK_BYTES = 2 << 20;
/** Of integers and texts. */
const BLOCK_ROWS = 4096;
/** numpy stores texts as UTF-32. */
const CODE_POINT_BYTES = 4;
/** Equal tables give equal files. */
const MTIME = new Date(1980, 0, 1);

/** Rows whose arrays have names with a prefix of their own, e.g. `train_`. */
export interface Section {
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
}

type NpzOptions = Pick<WriteOptions, 'signal' | 'onRows'>;

/** An array for each column in each section. */
export async function writeNpz(
  table: OutTable,
  sections: readonly Section[],
  out: ByteSink,
  options: NpzOptions,
): Promise<void> {
  const zip = new yazl.ZipFile();
  const bytes = new PassThrough({ highWaterMark: BLOCK_BYTES });
  const fail = (error: Error): void => void bytes.destroy(error);
  zip.on('error', fail);
  const measured = table.columns.find(({ kind }) => kind === 'vectors');
  for (const section of sections) {
    for (const column of table.columns) {
      const array = arrayOf(column, section, column === measured ? options : { ...options, onRows: () => undefined });
      const compress = column.kind === 'texts';
      const entry = { mtime: MTIME, forceDosTimestamp: true, compress, ...(compress ? {} : { size: array.bytes }) };
      zip.addReadStreamLazy(`${section.prefix}${column.name}.npy`, entry, (done) => {
        done(null, Readable.from(array.blocks(), { objectMode: false, highWaterMark: BLOCK_BYTES }).on('error', fail));
      });
    }
  }
  zip.end();
  zip.outputStream.pipe(bytes);
  const chunks: AsyncIterable<Buffer> = bytes;
  for await (const chunk of chunks) await out.write(chunk);
}

interface OutArray {
  /** With its header. */
  readonly bytes: number;
  readonly blocks: () => Iterable<Uint8Array>;
}

function arrayOf(column: OutColumn, section: Section, options: NpzOptions): OutArray {
  if (column.kind === 'vectors') return vectorArray(column, section, options);
  return column.kind === 'texts' ? textArray(column, section, options) : numberArray(column, section, options);
}

function vectorArray(column: VectorColumn, { first, count }: Section, { signal, onRows }: NpzOptions): OutArray {
  const header = npyHeader(column.dtype === 'float32' ? '<f4' : '<f2', [count, ...column.shape]);
  const size = rowBytes(column);
  return {
    bytes: header.length + count * size,
    *blocks() {
      yield header;
      for (const block of blocksOf(count, Math.max(1, Math.floor(BLOCK_BYTES / size)), signal)) {
        yield column.read(first + block.first, block.count);
        onRows(block.count);
      }
    },
  };
}

function numberArray(
  column: IntegerColumn | FloatColumn,
  { first, count }: Section,
  { signal }: NpzOptions,
): OutArray {
  const [descr, size] = column.kind === 'integers' ? ['<i8', 8] : ['<f4', 4];
  const header = npyHeader(descr, [count]);
  return {
    bytes: header.length + count * size,
    *blocks() {
      yield header;
      for (const block of blocksOf(count, BLOCK_ROWS, signal)) {
        yield new Uint8Array(column.read(first + block.first, block.count).buffer);
      }
    },
  };
}

/** The width is that of the longest text, so that texts are read twice. */
function textArray(column: TextColumn, { first, count }: Section, { signal }: NpzOptions): OutArray {
  let width = 1;
  for (const block of blocksOf(count, BLOCK_ROWS, signal)) {
    for (const text of column.read(first + block.first, block.count)) width = Math.max(width, [...(text ?? '')].length);
  }
  const header = npyHeader(`<U${width}`, [count]);
  const rows = Math.max(1, Math.floor(BLOCK_BYTES / (width * CODE_POINT_BYTES)));
  return {
    bytes: header.length + count * width * CODE_POINT_BYTES,
    *blocks() {
      yield header;
      for (const block of blocksOf(count, rows, signal)) {
        const points = new Uint32Array(block.count * width);
        for (const [row, text] of column.read(first + block.first, block.count).entries()) {
          points.set(Array.from(text ?? '', (character) => character.codePointAt(0) ?? 0), row * width);
        }
        yield new Uint8Array(points.buffer);
      }
    },
  };
}
