/** Values of one field of an Arrow record batch, block by block: numbers, texts, or indices of a dictionary. n values. */
import type { ByteStream } from './byte-stream.ts';
import type { FieldReader } from './batches.ts';
import { halvesToFloats } from '../columns/half.ts';
import type { Text } from '../columns/table.ts';
import type { NumberType, ValueEncoding } from './schema.ts';

/** Values of a block; a multiple of eight, so that bitmaps are read by whole bytes. */
export const BLOCK_VALUES = 4096;
const MAX_TEXT_BYTES = 32 << 20;
/** All texts of a batch that is stored as views are in memory at once. */
const MAX_VIEW_BYTES = 512 << 20;
const VIEW_BYTES = 16;
/** Texts of up to so many bytes stand in their view. */
const INLINE_BYTES = 12;

/** Numbers as float64; float32 of floats that fit. Throws RangeError where the stream ends too early. */
export async function takeNumbers(
  stream: ByteStream,
  { kind, bytes }: NumberType,
  n: number,
): Promise<Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>> {
  const { buffer } = await stream.take(n * bytes);
  switch (`${kind}${bytes}`) {
    case 'f2':
      return halvesToFloats(new Uint16Array(buffer));
    case 'f4':
      return new Float32Array(buffer);
    case 'f8':
      return new Float64Array(buffer);
    case 'i8':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case 'u8':
      return Float64Array.from(new BigUint64Array(buffer), Number);
    default:
      return Float64Array.from(new INTEGERS[`${kind}${bytes}`](buffer));
  }
}

const INTEGERS: Readonly<Record<string, new (buffer: ArrayBuffer) => ArrayLike<number>>> = {
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
};

/** Whether value i is there, by a bitmap. */
export function bitsOf(bits: Uint8Array): (i: number) => boolean {
  return (i) => (bits[i >>> 3] & (1 << (i & 7))) !== 0;
}

/** null: there is no value. Blocks of at most BLOCK_VALUES. */
export async function* valuesOf(
  reader: FieldReader,
  encoding: ValueEncoding,
): AsyncGenerator<readonly (number | Text)[]> {
  const [{ rows, nulls }] = reader.nodes;
  const validity = nulls === 0 ? null : await reader.buffer(0);
  const take = await taker(reader, encoding);
  for (let done = 0; done < rows; done += BLOCK_VALUES) {
    const n = Math.min(BLOCK_VALUES, rows - done);
    const values = await take(n);
    if (!validity) {
      yield values;
      continue;
    }
    const isThere = bitsOf(await validity.take(Math.ceil(n / 8)));
    yield values.map((value, i) => (isThere(i) ? value : null));
  }
}

type Taker = (n: number) => Promise<(number | string)[]>;

async function taker(reader: FieldReader, encoding: ValueEncoding): Promise<Taker> {
  switch (encoding.as) {
    case 'numbers': {
      const stream = await reader.buffer(1);
      return async (n) => Array.from(await takeNumbers(stream, encoding.type, n));
    }
    case 'texts':
      return takeTexts(reader, encoding.offsetBytes);
    case 'views':
      return takeViews(reader);
  }
}

async function takeTexts(reader: FieldReader, offsetBytes: 4 | 8): Promise<Taker> {
  if (reader.nodes[0].rows === 0) return async () => [];
  const [offsets, bytes] = [await reader.buffer(1), await reader.buffer(2)];
  const type = { kind: 'i', bytes: offsetBytes } as const;
  let [end] = await takeNumbers(offsets, type, 1);
  await bytes.skip(end);
  return async (n) => {
    const texts: string[] = [];
    for (const next of await takeNumbers(offsets, type, n)) {
      const length = next - end;
      if (!(length >= 0 && length <= MAX_TEXT_BYTES)) throw new RangeError(`a text has ${length} bytes`);
      texts.push(Buffer.from((await bytes.take(length)).buffer).toString());
      end = next;
    }
    return texts;
  };
}

async function takeViews(reader: FieldReader): Promise<Taker> {
  const views = await reader.buffer(1);
  const buffers: Buffer[] = [];
  let left = MAX_VIEW_BYTES;
  for (let i = 2; i < reader.bufferCount; i++) {
    const whole = await (await reader.buffer(i)).rest(left);
    left -= whole.length;
    buffers.push(whole);
  }
  return async (n) => {
    const block = Buffer.from((await views.take(n * VIEW_BYTES)).buffer);
    return Array.from({ length: n }, (_, i) => textOfView(block.subarray(i * VIEW_BYTES), buffers));
  };
}

/** [length, text] or [length, first 4 bytes, buffer, offset]. */
function textOfView(view: Buffer, buffers: readonly Buffer[]): string {
  const length = view.readInt32LE();
  if (length >= 0 && length <= INLINE_BYTES) return view.toString('utf8', 4, 4 + length);
  const [buffer, offset] = [view.readInt32LE(8), view.readInt32LE(12)];
  const bytes = buffers.at(buffer);
  if (length < 0 || buffer < 0 || offset < 0 || !bytes || offset + length > bytes.length) {
    throw new RangeError('a text lies outside its buffers');
  }
  return bytes.toString('utf8', offset, offset + length);
}
