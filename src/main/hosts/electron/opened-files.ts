/** Files that the system hands to the app on its command line: how Windows and Linux open associated files. */
import { extname, resolve } from 'node:path';
import { FILE_KINDS } from '#shared/contract/app.ts';

/** Absolute paths of the data files among the arguments; `folder` is the caller's working directory. */
export function dataFilesIn(argv: readonly string[], folder: string): string[] {
  const { extensions } = FILE_KINDS.dataset;
  return argv
    .slice(1)
    .filter((word) => !word.startsWith('-') && extensions.includes(extname(word).slice(1).toLowerCase()))
    .map((word) => resolve(folder, word));
}
