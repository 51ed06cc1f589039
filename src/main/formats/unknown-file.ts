/** Identifies an unsupported file by its first bytes: what it is, and the remedy. */
import type { FileHandle } from 'node:fs/promises';
import { NextvecError } from '#shared/domain/errors.ts';

const HEAD_BYTES = 512;

interface Known {
  /** First bytes as Latin-1. */
  readonly starts: string | RegExp;
  readonly what: string;
  readonly remedy: string;
}

const PICKLE_PROTOCOLS = ['\x02', '\x03', '\x04', '\x05'] as const;

const KNOWN: readonly Known[] = [
  {
    starts: 'version https://git-lfs',
    what: 'is a Git LFS pointer, not the file it stands for',
    remedy: 'Fetch the file with "git lfs pull" and choose it again.',
  },
  {
    starts: /^(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml)/i,
    what: 'is a web page, not the file that was to be downloaded',
    remedy: 'Download it again; the server answered with a page (a login or an error, as a rule).',
  },
  { starts: '\x1f\x8b', what: 'is compressed with gzip', remedy: 'Unpack it with gunzip and choose what it held.' },
  { starts: '\xfd7zXZ\0', what: 'is compressed with xz', remedy: 'Unpack it with unxz and choose what it held.' },
  { starts: '\x28\xb5\x2f\xfd', what: 'is compressed with zstd', remedy: 'Unpack it and choose what it held.' },
  {
    starts: '\x89HDF\r\n',
    what: 'is an HDF5 file',
    remedy: 'Read it in Python (h5py) and write the arrays with numpy.savez.',
  },
  { starts: 'PAR1', what: 'is a Parquet file', remedy: 'Import it as data.' },
  {
    starts: 'FEA1',
    what: 'is a Feather file of version 1',
    remedy: 'Read it in Python and write it with pyarrow.feather.write_feather, which writes version 2.',
  },
  {
    starts: 'ARROW1',
    what: 'is an Arrow file',
    remedy: 'Import it as data.',
  },
  ...PICKLE_PROTOCOLS.map((protocol) => ({
    starts: `\x80${protocol}`,
    what: 'is a bare Python pickle',
    remedy: 'If you trust where it comes from, load it in Python and write the arrays with numpy.savez.',
  })),
  { starts: /^\s*[[{]/, what: 'is text, JSON by its look', remedy: 'Choose the file that holds the arrays.' },
];

/** NOT_AN_ARCHIVE for a file that is none of `expected`; `remedy` is for files of an unknown kind. */
export async function unknownFile(
  handle: FileHandle,
  file: string,
  expected: string,
  remedy: string,
): Promise<NextvecError> {
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
  if (bytesRead === 0) {
    return new NextvecError('NOT_AN_ARCHIVE', `${file} is empty (0 bytes).`, {
      remedy: 'Copy or download it again, or write it anew.',
    });
  }
  const text = head.toString('latin1', 0, bytesRead);
  const known = KNOWN.find(({ starts }) => (typeof starts === 'string' ? text.startsWith(starts) : starts.test(text)));
  if (known) {
    return new NextvecError('NOT_AN_ARCHIVE', `${file} ${known.what}.`, { remedy: known.remedy });
  }
  return new NextvecError('NOT_AN_ARCHIVE', `${file} is not ${expected}.`, { remedy });
}
