/** Bytes of a text file of any size, plain or compressed with gzip or zstd (told by its first bytes), and its lines. */
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { NextvecError, isNextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { openRegularFile, type RegularFile } from '../files/regular-file.ts';
import { refuseImplausibleRatio } from '../columns/table.ts';

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the file, as it is stored, read since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

const READ_BYTES = 256 << 10;
const MAX_LINE_BYTES = 32 << 20;
const NEWLINE = 10;

export type Compression = 'gzip' | 'zstd' | null;

export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return Buffer.from(head.subarray(0, 4)).equals(Buffer.from('28b52ffd', 'hex')) ? 'zstd' : null;
}

/** The decompressed bytes. `file` names it in errors. Throws ARCHIVE_DAMAGED, ARCHIVE_TRUNCATED and, for a decompression bomb, OUT_OF_RANGE. */
export async function* plainBytes(path: string, file: string, options: StreamOptions = {}): AsyncGenerator<Buffer> {
  const opened = await openRegularFile(path);
  let inflated = 0;
  try {
    const head = Buffer.alloc(Math.min(4, opened.bytes));
    await opened.handle.read(head, 0, head.length, 0);
    const compression = compressionOf(head);
    const stored = storedBytes(opened, options);
    if (compression === null) return yield* stored;
    for await (const chunk of inflate(stored, compression, file)) {
      inflated += chunk.length;
      refuseImplausibleRatio({ place: file, bytes: inflated, storedBytes: opened.bytes });
      yield chunk;
    }
  } finally {
    await opened.handle.close();
  }
}

async function* storedBytes({ handle }: RegularFile, { signal, onBytes }: StreamOptions): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    throwIfCancelled(signal, 'Reading');
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    onBytes?.(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

/** The plain bytes of compressed ones; `file` names it in errors. */
export async function* inflate(
  stored: AsyncGenerator<Buffer>,
  compression: 'gzip' | 'zstd',
  file: string,
): AsyncGenerator<Buffer> {
  const source = Readable.from(stored, { objectMode: true, highWaterMark: 1 });
  const inflater: Transform = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  source.on('error', (error) => inflater.destroy(error));
  source.pipe(inflater);
  try {
    const chunks: AsyncIterable<Buffer> = inflater;
    for await (const chunk of chunks) yield chunk;
  } catch (error) {
    throw isNextvecError(error) ? error : inflateError(error, compression, file);
  } finally {
    inflater.destroy();
    source.destroy();
  }
}

function inflateError(error: unknown, compression: string, file: string): NextvecError {
  const message = messageOf(error);
  const cutOff = message.includes('unexpected end of file');
  return new NextvecError(
    cutOff ? 'ARCHIVE_TRUNCATED' : 'ARCHIVE_DAMAGED',
    `${file}: the ${compression} data ${cutOff ? 'ends too early' : `is damaged (${message})`}.`,
    { remedy: 'Copy or download the file again, or compress it anew.', cause: error },
  );
}

export interface Line {
  /** 1 for the first. */
  readonly number: number;
  readonly text: string;
  /** Ended by a newline; only the last line of a file may be without. */
  readonly ended: boolean;
}

/** The lines that are not blank. Throws ARCHIVE_DAMAGED for bytes that are not UTF-8, OUT_OF_RANGE for a line of more than 32 MiB. */
export async function* linesOf(chunks: AsyncGenerator<Buffer>, file: string): AsyncGenerator<Line> {
  // Drops a byte order mark, of the first line only: in later lines it is a character.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let parts: Buffer[] = [];
  let partBytes = 0;
  let number = 0;
  const lineFrom = (rest: Buffer, ended: boolean): Line => {
    number++;
    const bytes = parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
    parts = [];
    partBytes = 0;
    return { number, text: decode(decoder, bytes, file, number), ended };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = lineFrom(chunk.subarray(start, end), true);
      start = end + 1;
      if (line.text.trim() !== '') yield line;
    }
    parts.push(chunk.subarray(start));
    partBytes += chunk.length - start;
    if (partBytes > MAX_LINE_BYTES) throw longLine(file, number + 1);
  }
  const last = lineFrom(Buffer.alloc(0), false);
  if (last.text.trim() !== '') yield last;
}

function decode(decoder: TextDecoder, bytes: Buffer, file: string, line: number): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new NextvecError('ARCHIVE_DAMAGED', `${file}: line ${line} is not UTF-8.`, {
      remedy: 'Save the file as UTF-8.',
      cause,
    });
  }
}

function longLine(file: string, line: number): NextvecError {
  return new NextvecError('OUT_OF_RANGE', `${file}: line ${line} has more than ${MAX_LINE_BYTES} bytes.`, {
    remedy: 'Write one record a line; a file that is one JSON array becomes that with jq -c ".[]".',
  });
}
