/**
 * The texts of a stored data set: one for each distinct vector, or none. V distinct vectors, S texts, B blocks.
 *   texts.bin         B blocks, each zlib of up to 256 texts: their lengths in bytes [n] uint32, then their UTF-8
 *   text-blocks.bin   [B+1] float64 first byte of each block in texts.bin, then its size
 *   vector-texts.bin  [V] uint32 text number + 1 of each vector, 0: it has no text
 * Texts are numbered as they were added. The checksum of zlib finds a damaged block when it is read.
 */
import { closeSync, fsyncSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import type { TextFigures } from '#shared/domain/datasets/passport.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { asBytes, writeAll } from '../../formats/columns/array-bytes.ts';
import { openRegularFileSync } from '../../formats/files/regular-file.ts';
import { damagedFile, FILES, type StoreMeta } from '../store-files.ts';
import { writeFile } from '../import/store-writer.ts';
import { readColumn } from '../measures/verify.ts';

const BLOCK_TEXTS = 256;
const LENGTH_BYTES = 4;
/** Longest text that is kept. */
const MAX_TEXT_BYTES = 1 << 20;
const MAX_BLOCK_BYTES = BLOCK_TEXTS * (MAX_TEXT_BYTES + LENGTH_BYTES);
/** English at this level takes 0.45 of its size, 60 MB/s; the best level takes 0.42 at a third of the speed. */
const LEVEL = 3;
const BLOCKS_KEPT = 16;

export class TextStoreWriter {
  private readonly folder: string;
  private readonly fd: number;
  private readonly vectorTexts: Uint32Array<ArrayBuffer>;
  private readonly blocks: number[] = [0];
  private pending: Buffer[] = [];
  private isOpen = true;
  private count = 0;
  private bytes = 0;
  private checksum = 0;

  /** `vectors`: distinct vectors of the set. */
  constructor(folder: string, vectors: number) {
    this.folder = folder;
    this.vectorTexts = new Uint32Array(vectors);
    this.fd = openSync(join(folder, FILES.texts), 'wx');
  }

  /** The first text of a vector is kept, further ones are ignored. `place` names the text in OUT_OF_RANGE. */
  add(vector: number, text: string, place: () => string): void {
    if (this.vectorTexts[vector] !== 0) return;
    const utf8 = Buffer.from(text);
    if (utf8.length > MAX_TEXT_BYTES) {
      throw new NextvecError(
        'OUT_OF_RANGE',
        `${place()} has ${utf8.length} bytes; at most ${MAX_TEXT_BYTES} are kept.`,
        {
          remedy: 'Shorten it, or import without texts.',
        },
      );
    }
    this.vectorTexts[vector] = ++this.count;
    this.bytes += utf8.length;
    this.pending.push(utf8);
    if (this.pending.length === BLOCK_TEXTS) this.writeBlock();
  }

  /** Writes what is buffered, syncs and closes. */
  finish(): { readonly figures: Omit<TextFigures, 'from'>; readonly checksums: Record<string, number> } {
    if (this.pending.length > 0) this.writeBlock();
    fsyncSync(this.fd);
    this.close();
    const offsets = Float64Array.from(this.blocks);
    const checksums = {
      [FILES.texts]: this.checksum,
      [FILES.textBlocks]: writeFile(this.folder, FILES.textBlocks, [offsets]),
      [FILES.vectorTexts]: writeFile(this.folder, FILES.vectorTexts, [this.vectorTexts]),
    };
    const storedBytes = this.written + offsets.byteLength + this.vectorTexts.byteLength;
    return { figures: { texts: this.count, bytes: this.bytes, storedBytes }, checksums };
  }

  /** After an error: closes without writing; the files are of no use. */
  abandon(): void {
    this.close();
  }

  /** Once only: another file may have the descriptor by now. */
  private close(): void {
    if (this.isOpen) closeSync(this.fd);
    this.isOpen = false;
  }

  private get written(): number {
    return this.blocks[this.blocks.length - 1];
  }

  private writeBlock(): void {
    const lengths = Uint32Array.from(this.pending, ({ length }) => length);
    const block = deflateSync(Buffer.concat([asBytes(lengths), ...this.pending]), { level: LEVEL });
    writeAll(this.fd, block, this.written);
    this.checksum = crc32(block, this.checksum);
    this.blocks.push(this.written + block.length);
    this.pending = [];
  }
}

/** Texts by vector. */
export interface TextReader {
  /** null: the vector has no text. Throws STORE_DAMAGED. */
  text(vector: number): string | null;
  close(): void;
}

/** The texts of a stored set; every text is null where it was imported without. The caller closes it. */
export function openTexts(folder: string, meta: StoreMeta): TextReader {
  const { texts } = meta.passport;
  if (!texts) return { text: () => null, close: () => {} };
  const count = texts.texts;
  const blocks = Math.ceil(count / BLOCK_TEXTS);
  const read = (name: string, bytes: number): ArrayBuffer => readColumn(join(folder, name), bytes, meta);
  const numbers = new Uint32Array(read(FILES.vectorTexts, 4 * meta.vectors));
  const offsets = new Float64Array(read(FILES.textBlocks, 8 * (blocks + 1)));
  return new StoredTexts(join(folder, FILES.texts), meta.source, { numbers, offsets, count });
}

interface TextColumns {
  /** [V] text number + 1 of each vector, 0: it has none. */
  readonly numbers: Uint32Array;
  /** [B + 1] first byte of each block, then the size of the file. */
  readonly offsets: Float64Array;
  /** Texts of the set. */
  readonly count: number;
}

class StoredTexts implements TextReader {
  private readonly path: string;
  private readonly source: StoreMeta['source'];
  private readonly columns: TextColumns;
  private readonly fd: number;
  /** Recently read blocks, decompressed, the oldest first. */
  private readonly blocks = new Map<number, Buffer>();

  constructor(path: string, source: StoreMeta['source'], columns: TextColumns) {
    this.path = path;
    this.source = source;
    this.columns = columns;
    this.fd = openRegularFileSync(path).fd;
  }

  text(vector: number): string | null {
    const { numbers, count } = this.columns;
    const number = numbers[vector] - 1;
    if (!(number >= 0)) return null;
    const place = number % BLOCK_TEXTS;
    const texts = Math.min(BLOCK_TEXTS, count - (number - place));
    return textOf(this.block((number - place) / BLOCK_TEXTS), texts, place);
  }

  close(): void {
    closeSync(this.fd);
  }

  private block(index: number): Buffer {
    const known = this.blocks.get(index);
    if (known) return known;
    const block = this.readBlock(index);
    const [oldest] = this.blocks.keys();
    if (this.blocks.size === BLOCKS_KEPT) this.blocks.delete(oldest);
    this.blocks.set(index, block);
    return block;
  }

  private readBlock(index: number): Buffer {
    const { offsets } = this.columns;
    const start = offsets[index];
    const stored = Buffer.alloc(offsets[index + 1] - start);
    if (readSync(this.fd, stored, 0, stored.length, start) < stored.length) {
      throw damagedFile(this.path, 'it is too short', this.source);
    }
    try {
      return inflateSync(stored, { maxOutputLength: MAX_BLOCK_BYTES });
    } catch (error) {
      throw damagedFile(this.path, `its block ${index} cannot be read`, this.source, error);
    }
  }
}

/** One of the `texts` texts of a block. */
function textOf(block: Buffer, texts: number, place: number): string {
  let start = texts * LENGTH_BYTES;
  for (let i = 0; i < place; i++) start += block.readUInt32LE(i * LENGTH_BYTES);
  return block.toString('utf8', start, start + block.readUInt32LE(place * LENGTH_BYTES));
}
