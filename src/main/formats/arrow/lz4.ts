/**
 * LZ4 frames, block by block: only a block and the 64 KiB before it are in memory. Checksums are not verified; Arrow writes none.
 * Formats: github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, lz4_Block_format.md.
 */
import type { ByteStream } from './byte-stream.ts';

const MAGIC = 0x184d2204;
const HISTORY_BYTES = 64 << 10;
const MIN_MATCH = 4;
/** Of a length that continues in the next byte. */
const LONG_LENGTH = 15;

interface FrameHeader {
  readonly blockChecksums: boolean;
  readonly maxBlockBytes: number;
}

/** The plain bytes of the first frame. Throws RangeError for data that is no such frame. */
export async function* lz4Frame(stored: ByteStream): AsyncGenerator<Uint8Array> {
  const { blockChecksums, maxBlockBytes } = await readFrameHeader(stored);
  const window = new Uint8Array(HISTORY_BYTES + maxBlockBytes);
  /** Bytes of earlier blocks at the start of the window. */
  let history = 0;
  for (;;) {
    const word = uint32(await stored.take(4));
    if (word === 0) return;
    const isPlain = word >= 2 ** 31;
    const size = isPlain ? word - 2 ** 31 : word;
    if (size > maxBlockBytes) throw new RangeError(`an LZ4 block of ${size} bytes`);
    const block = await stored.take(size);
    if (blockChecksums) await stored.skip(4);
    if (isPlain) window.set(block, history);
    const end = isPlain ? history + size : decodeBlock(block, window, history, history + maxBlockBytes);
    yield window.slice(history, end);
    const kept = Math.min(end, HISTORY_BYTES);
    window.copyWithin(0, end - kept, end);
    history = kept;
  }
}

async function readFrameHeader(stored: ByteStream): Promise<FrameHeader> {
  if (uint32(await stored.take(4)) !== MAGIC) throw new RangeError('it is no LZ4 frame');
  const [flags, block] = await stored.take(2);
  if (flags >>> 6 !== 1) throw new RangeError('an LZ4 frame of another version');
  const hasSize = (flags & 8) !== 0;
  const hasDictionary = (flags & 1) !== 0;
  if (hasDictionary) throw new RangeError('an LZ4 frame that needs a dictionary');
  // The content size, if any, and the checksum of the header.
  await stored.skip((hasSize ? 8 : 0) + 1);
  const size = (block >>> 4) & 7;
  if (size < 4) throw new RangeError('an LZ4 frame without a block size');
  return { blockChecksums: (flags & 16) !== 0, maxBlockBytes: 1 << (8 + 2 * size) };
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** Writes out[start ...]; matches may reach back to out[0]. Returns the end of what was written. */
export function decodeBlock(block: Uint8Array, out: Uint8Array, start: number, limit: number): number {
  let at = 0;
  let end = start;
  /** A length of four bits, continued in further bytes. */
  const lengthFrom = (bits: number): number => {
    let length = bits;
    if (bits < LONG_LENGTH) return length;
    for (let byte = 255; byte === 255; length += byte) {
      if (at >= block.length) throw new RangeError('an LZ4 block ends too early');
      byte = block[at++];
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++];
    const literals = lengthFrom(token >>> 4);
    if (at + literals > block.length || end + literals > limit) throw new RangeError('LZ4 literals do not fit');
    out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence has no match.
    if (at === block.length) return end;
    if (at + 2 > block.length) throw new RangeError('an LZ4 block ends too early');
    const distance = block[at] | (block[at + 1] << 8);
    at += 2;
    const length = lengthFrom(token & LONG_LENGTH) + MIN_MATCH;
    if (distance === 0 || distance > end || end + length > limit) throw new RangeError('an LZ4 match does not fit');
    copyMatch(out, end, distance, length);
    end += length;
  }
  return end;
}

/** A match may overlap what it writes: then it repeats the last `distance` bytes. */
function copyMatch(out: Uint8Array, end: number, distance: number, length: number): void {
  if (distance >= length) out.copyWithin(end, end - distance, end - distance + length);
  else for (let i = end; i < end + length; i++) out[i] = out[i - distance];
}
