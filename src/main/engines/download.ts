/**
 * Downloads a file whose size and hash are known. What has arrived stays in `FILE.part`, and the next call goes on from
 * there (HTTP Range), also after a crash. The file gets its name only once its hash is right.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Artefact } from './plan.ts';
import { downloadFailed, networkReason, request, type Source } from './request.ts';
import { throwIfInterrupted } from './interrupted.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Bytes that are there, of `artefact.bytes`. */
  readonly onProgress?: (bytes: number) => void;
  /** A connection that brings nothing for this long is given up and made anew. */
  readonly stallMs?: number;
}

/** Connections that bring nothing at all before the download is given up. */
const FRUITLESS_TRIES = 3;

export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 1 << 20 });
  for await (const chunk of chunks) {
    throwIfInterrupted(signal);
    hash.update(chunk);
  }
  return hash.digest('hex');
}

export function bytesOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Throws DOWNLOAD_FAILED, CHECKSUM_MISMATCH, CANCELLED or the error of the file system. */
export async function download(source: Source, file: string, artefact: Artefact, options: DownloadOptions = {}) {
  const part = `${file}.part`;
  let there = await bytesOf(part);
  let fruitless = 0;
  while (there < artefact.bytes) {
    const before = there;
    const problem = await fetchRest(source, part, artefact, options);
    there = await bytesOf(part);
    if (there >= artefact.bytes) break;
    fruitless = there > before ? 0 : fruitless + 1;
    if (fruitless >= FRUITLESS_TRIES) throw problem ?? downloadFailed(source.url, `ends after ${there} bytes`);
  }
  await requireHash(part, artefact, source.url, options.signal);
  await rename(part, file);
}

/** Removes a file with the wrong hash: its download cannot be continued. */
async function requireHash(part: string, artefact: Artefact, place: string, signal?: AbortSignal): Promise<void> {
  const found = await sha256Of(part, signal);
  if (found === artefact.sha256) return;
  await rm(part, { force: true });
  throw wrongHash(place, artefact, found);
}

export function wrongHash(place: string, { file, sha256 }: Artefact, found: string): NextvecError {
  return new NextvecError(
    'CHECKSUM_MISMATCH',
    `${place} is not ${file}: its sha256 is ${found}, expected ${sha256}. Nothing of it was used.`,
    { remedy: 'Try again, or another source (--index, --registry, --from).', details: { place } },
  );
}

/** One connection; returns why it broke off, or nothing. Throws what another try would not help against. */
async function fetchRest(
  source: Source,
  part: string,
  artefact: Artefact,
  { signal, onProgress, stallMs = 60_000 }: DownloadOptions,
): Promise<NextvecError | undefined> {
  const have = await bytesOf(part);
  const stall = new AbortController();
  const both = AbortSignal.any(signal === undefined ? [stall.signal] : [stall.signal, signal]);
  let timer = setTimeout(() => stall.abort(), stallMs);
  const headers = have > 0 ? { range: `bytes=${have}-` } : undefined;
  const handle = await open(part, 'a');
  try {
    const response = await request(source, { headers, signal: both, allowed: [416] });
    let bytes = await startOf(response, handle, have);
    if (response.status === 416 || response.body === null) return undefined;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), stallMs);
      bytes += chunk.length;
      if (bytes > artefact.bytes) throw await tooLong(handle, source, artefact);
      await handle.write(chunk);
      onProgress?.(bytes);
    }
    return undefined;
  } catch (error) {
    throwIfInterrupted(signal);
    if (error instanceof NextvecError && !stall.signal.aborted) throw error;
    // Errors of the file system (a full disk) have a system call; those of the network are tried again.
    if (error instanceof Error && 'syscall' in error && error.syscall === 'write') throw error;
    const reason = stall.signal.aborted ? `sends nothing for ${stallMs / 1000} s` : networkReason(error);
    return downloadFailed(source.url, reason, error);
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
}

/** Position at which the body of this answer begins; empties the file where the server does not continue it. */
async function startOf({ status, headers }: Response, handle: FileHandle, have: number): Promise<number> {
  const continues = status === 206 && (headers.get('content-range') ?? '').startsWith(`bytes ${have}-`);
  if (continues) return have;
  await handle.truncate(0);
  return 0;
}

async function tooLong(handle: FileHandle, { url }: Source, { bytes, file }: Artefact): Promise<NextvecError> {
  await handle.truncate(0);
  return new NextvecError('CHECKSUM_MISMATCH', `${url} is not ${file}: it has more than ${bytes} bytes.`, {
    remedy: 'Try again, or another source (--index, --registry, --from).',
    details: { place: url },
  });
}
