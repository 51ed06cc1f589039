/**
 * Bytes of one member of a file, read forward in bounded memory: plain or inflated, counted, and checked against its
 * CRC-32 where the container has one. Knows nothing of arrays.
 */
import type { FileHandle } from 'node:fs/promises';
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';

const READ_BYTES = 1 << 20;

/** Where the bytes of an array lie in its file. */
export interface Member {
  /** File and member, for messages: `data.npz: context_sequences.npy`. */
  readonly place: string;
  readonly name: string;
  readonly handle: FileHandle;
  /** Offset of the (possibly compressed) bytes in the file. */
  readonly offset: number;
  readonly storedBytes: number;
  /** Bytes after decompression. */
  readonly sizeBytes: number;
  readonly deflated: boolean;
  /** null: the container has no checksum. */
  readonly crc32: number | null;
}

/** Reads exactly `length` bytes at `position`, or throws ARCHIVE_TRUNCATED. */
export async function readExactly(
  handle: FileHandle,
  into: Uint8Array,
  position: number,
  place: string,
): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw truncated(place);
    done += bytesRead;
  }
}

function truncated(place: string): NextvecError {
  return new NextvecError('ARCHIVE_TRUNCATED', `${place}: the file ends before the data does.`, {
    remedy: 'Copy or download the file again; it was cut off.',
  });
}

/** Forward reader of one member. `read` fills its argument unless the member ends first; CANCELLED once `signal` is. */
export class MemberReader {
  private readonly member: Member;
  private readonly signal: AbortSignal | undefined;
  private readonly inflate: InflateRaw | null;
  private readonly chunks: AsyncIterator<Uint8Array> | null;
  private left: Uint8Array = new Uint8Array(0);
  private checksum = 0;
  private position = 0;

  constructor(member: Member, signal?: AbortSignal) {
    this.member = member;
    this.signal = signal;
    if (!member.deflated) {
      this.inflate = null;
      this.chunks = null;
      return;
    }
    this.inflate = createInflateRaw({ chunkSize: Math.max(1024, Math.min(READ_BYTES, member.sizeBytes)) });
    this.chunks = this.inflate[Symbol.asyncIterator]();
    void this.feed(this.inflate);
  }

  /** Bytes handed out so far. */
  get bytesRead(): number {
    return this.position;
  }

  /** Fills `into`; returns fewer bytes only at the end of the member, whose checksum is then verified. */
  async read(into: Uint8Array): Promise<number> {
    throwIfCancelled(this.signal, 'Reading');
    const wanted = Math.min(into.length, this.member.sizeBytes - this.position);
    const target = into.subarray(0, wanted);
    if (this.chunks) await this.readInflated(target, this.chunks);
    else await readExactly(this.member.handle, target, this.member.offset + this.position, this.member.place);
    if (this.member.crc32 !== null) this.checksum = crc32(target, this.checksum);
    this.position += wanted;
    if (this.position === this.member.sizeBytes && wanted > 0) await this.verifyEnd();
    return wanted;
  }

  async close(): Promise<void> {
    this.inflate?.destroy();
    await this.chunks?.return?.().catch(() => undefined);
  }

  private async readInflated(target: Uint8Array, chunks: AsyncIterator<Uint8Array>): Promise<void> {
    let done = 0;
    while (done < target.length) {
      if (this.left.length === 0) {
        const next = await this.nextInflated(chunks);
        if (!next) throw this.damaged('holds fewer bytes than its directory entry says');
        this.left = next;
      }
      const part = this.left.subarray(0, target.length - done);
      target.set(part, done);
      done += part.length;
      this.left = this.left.subarray(part.length);
    }
  }

  private async nextInflated(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | null> {
    try {
      const { value, done } = await chunks.next();
      return done ? null : value;
    } catch (error) {
      if (error instanceof NextvecError) throw error;
      throw this.damaged('cannot be decompressed', error);
    }
  }

  private async verifyEnd(): Promise<void> {
    if (this.chunks && (this.left.length > 0 || (await this.nextInflated(this.chunks)) !== null)) {
      throw this.damaged('holds more bytes than its directory entry says');
    }
    if (this.member.crc32 !== null && this.checksum >>> 0 !== this.member.crc32) {
      throw new NextvecError(
        'CHECKSUM_MISMATCH',
        `${this.member.place}: the CRC-32 of the data does not match the one in the archive, so the file is damaged.`,
        { remedy: 'Copy or download the file again, or write it anew.' },
      );
    }
  }

  private damaged(what: string, cause?: unknown): NextvecError {
    return new NextvecError('ARCHIVE_DAMAGED', `${this.member.place}: the member ${what}, so the file is damaged.`, {
      remedy: 'Copy or download the file again, or write it anew.',
      cause,
    });
  }

  /** Writes the compressed bytes into `inflate` as fast as it takes them. */
  private async feed(inflate: InflateRaw): Promise<void> {
    const { handle, offset, storedBytes, place } = this.member;
    try {
      for (let done = 0; done < storedBytes && !inflate.destroyed;) {
        const chunk = new Uint8Array(Math.min(READ_BYTES, storedBytes - done));
        await readExactly(handle, chunk, offset + done, place);
        done += chunk.length;
        if (!inflate.destroyed && !inflate.write(chunk)) await drained(inflate);
      }
      if (!inflate.destroyed) inflate.end();
    } catch (error) {
      inflate.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function drained(stream: InflateRaw): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

/** Reads a member to its end, so that its size and checksum are verified. */
export async function readThrough(member: Member, signal?: AbortSignal): Promise<void> {
  const reader = new MemberReader(member, signal);
  const scratch = new Uint8Array(READ_BYTES);
  try {
    while ((await reader.read(scratch)) > 0);
  } finally {
    await reader.close();
  }
}

/** The whole member in memory; refused above `limitBytes`. */
export async function readWhole(
  member: Member,
  limitBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (member.sizeBytes > limitBytes) {
    throw new NextvecError(
      'OUT_OF_RANGE',
      `${member.place}: ${member.sizeBytes} bytes, more than the ${limitBytes} that are read at once.`,
      { remedy: 'Check the program that wrote the file; nothing that is needed is this large.' },
    );
  }
  const reader = new MemberReader(member, signal);
  try {
    return await readAll(reader, member.sizeBytes);
  } finally {
    await reader.close();
  }
}

/** Grows with the bytes that are read, so that a false size allocates nothing. */
async function readAll(reader: MemberReader, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(Math.min(sizeBytes, READ_BYTES));
  for (;;) {
    const length = reader.bytesRead;
    if (length === sizeBytes) return buffer;
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(sizeBytes, buffer.length * 2));
      larger.set(buffer);
      buffer = larger;
    }
    await reader.read(buffer.subarray(length));
  }
}
