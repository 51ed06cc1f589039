/** Errors of the file system as a person reads them: path, reason, remedy. Not here: faults of a file's content. */

export interface FileFault {
  readonly code: 'FILE_NOT_FOUND' | 'FILE_UNREADABLE' | 'BAD_INPUT' | 'NO_PERMISSION' | 'DISK_FULL';
  /** Part of a sentence, without path. */
  readonly reason: string;
  /** Path and reason. */
  readonly message: string;
  readonly remedy: string;
}

type Rule = readonly [code: FileFault['code'], reason: string, remedy: string];

const CHECK_PATH = 'Check the path, and that its disk is mounted.';
const ALLOW = 'Allow it (chmod), or choose another place.';
const NAME_ANOTHER = 'Name another path.';
const FREE_SPACE = 'Free some space on that disk, or choose another place.';
const TRY_AGAIN = 'Close some programs and try again.';

const RULES: Readonly<Record<string, Rule>> = {
  ENOENT: ['FILE_NOT_FOUND', 'there is no such file or folder', CHECK_PATH],
  ENOTDIR: ['FILE_NOT_FOUND', 'a part of this path is a file, not a folder', CHECK_PATH],
  EISDIR: ['BAD_INPUT', 'this is a folder, not a file', 'Name a file.'],
  EEXIST: ['BAD_INPUT', 'this exists already', NAME_ANOTHER],
  ELOOP: ['BAD_INPUT', 'its symbolic links go round in circles', NAME_ANOTHER],
  ENAMETOOLONG: ['BAD_INPUT', 'this name is too long', NAME_ANOTHER],
  ENXIO: ['BAD_INPUT', 'this is a socket or a device without a driver', NAME_ANOTHER],
  EACCES: ['NO_PERMISSION', 'this user has no permission', ALLOW],
  EPERM: ['NO_PERMISSION', 'this user has no permission', ALLOW],
  EROFS: ['NO_PERMISSION', 'its disk is read-only', 'Choose a place on another disk.'],
  ENOSPC: ['DISK_FULL', 'the disk is full', FREE_SPACE],
  EDQUOT: ['DISK_FULL', "this user's quota of the disk is used up", FREE_SPACE],
  EFBIG: ['DISK_FULL', 'the disk takes no file of this size', FREE_SPACE],
  EMFILE: ['FILE_UNREADABLE', 'this program has too many files open', TRY_AGAIN],
  ENFILE: ['FILE_UNREADABLE', 'the system has too many files open', TRY_AGAIN],
  EIO: ['FILE_UNREADABLE', 'the disk reports an error', 'Check the disk.'],
};

/** A Node.js file system error; null for anything else. */
export function fileFault(error: unknown): FileFault | null {
  if (!(error instanceof Error)) return null;
  const { code: errno, path, syscall } = error as Error & { code?: unknown; path?: string; syscall?: string };
  if (typeof errno !== 'string' || syscall === undefined || !Object.hasOwn(RULES, errno)) return null;
  const [code, reason, remedy] = RULES[errno];
  if (syscall === 'mkdtemp') {
    const message = `No temporary folder ${path} can be made: ${reason}.`;
    return { code, reason, message, remedy: 'Set TMPDIR to a folder that exists and can be written to.' };
  }
  return { code, reason, message: `${path ?? 'A file cannot be used'}: ${reason}.`, remedy };
}
