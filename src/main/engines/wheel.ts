/** Takes members out of a wheel (a zip archive) whose hash has been checked. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { NextvecError } from '#shared/domain/errors.ts';
import { throwIfInterrupted } from './interrupted.ts';

export interface ExtractOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Writes each member for which `target` gives a path. Throws ARCHIVE_DAMAGED where the archive cannot be read or one of
 * `required` is missing.
 */
export async function extractWheel(
  wheel: string,
  target: (member: string) => string | null,
  required: readonly string[],
  { signal, onProgress }: ExtractOptions = {},
): Promise<void> {
  const missing = new Set(required);
  let bytes = 0;
  const zip = await yauzl.openPromise(wheel, { autoClose: false }).catch((cause: Error) => {
    throw damaged(wheel, cause.message, cause);
  });
  try {
    for await (const entry of zip.eachEntry()) {
      throwIfInterrupted(signal);
      const path = entry.fileName.endsWith('/') ? null : target(entry.fileName);
      if (path === null) continue;
      await mkdir(dirname(path), { recursive: true });
      const stream = await zip.openReadStreamPromise(entry);
      stream.on('data', (chunk: Buffer) => onProgress?.((bytes += chunk.length)));
      await pipeline(stream, createWriteStream(path));
      missing.delete(entry.fileName);
    }
  } finally {
    zip.close();
  }
  if (missing.size > 0) throw damaged(wheel, `it lacks ${[...missing].join(', ')}`);
}

function damaged(wheel: string, why: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${wheel}: this wheel cannot be used: ${why}.`, {
    remedy: 'Download it again.',
    details: { place: wheel },
    cause,
  });
}
