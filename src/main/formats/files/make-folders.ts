/** Makes folders one by one: `mkdir` of Node with `recursive` never returns in /proc and other places that take none. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '#shared/domain/thrown.ts';

/** Makes the folder and those above it where there is none. Throws the error of the file system. */
export function makeFolders(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const parent = dirname(path);
    // ENOENT below a folder that exists: the file system makes no folders here.
    if (code !== 'ENOENT' || existsSync(parent)) throw error;
    makeFolders(parent);
    mkdirSync(path);
  }
}
