/** Detects a history without weights and the program that wrote it: a file by its content, a folder by the files in it. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { nameList } from '#shared/domain/short-text.ts';
import { looksLikeEvents } from '../../formats/logs/read-events.ts';
import { readHead } from '../../formats/files/regular-file.ts';
import { looksLikeWandb } from '../../formats/logs/wandb-file.ts';

export interface HistorySource {
  readonly format: 'json' | 'tensorboard' | 'wandb';
  /** One file; of TensorBoard all event files of a folder, in the order in which they were written. */
  readonly paths: readonly string[];
}

const HEAD_BYTES = 64;
const MOST_DEPTH = 4;
const MOST_ENTRIES = 10_000;
const EVENT_FILE = /tfevents/;
const JSON_FILE = /\.json$/i;

/** null: no history, e.g. a checkpoint. */
export async function historySource(path: string): Promise<HistorySource | null> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (isFolder) return sourceInFolder(path);
  const { head } = await readHead(path, HEAD_BYTES);
  if (looksLikeWandb(head)) return { format: 'wandb', paths: [path] };
  if (looksLikeEvents(head) || EVENT_FILE.test(basename(path))) return { format: 'tensorboard', paths: [path] };
  // A safetensors file may begin with "{" too, as the lowest byte of a length.
  const isJson = JSON_FILE.test(path) || /^(\xef\xbb\xbf)?\s*(\{\s*"|\[\s*\{)/.test(head.toString('latin1'));
  return isJson ? { format: 'json', paths: [path] } : null;
}

async function sourceInFolder(folder: string): Promise<HistorySource> {
  const files = (await filesIn(folder, MOST_DEPTH)).toSorted();
  const wandb = files.filter((file) => file.endsWith('.wandb'));
  if (wandb.length > 1) throw several(folder, wandb);
  if (wandb.length === 1) return { format: 'wandb', paths: wandb };
  const events = files.filter((file) => EVENT_FILE.test(basename(file)));
  if (events.length > 0) return { format: 'tensorboard', paths: events };
  const histories = files.filter((file) => /history[^/\\]*\.json$/i.test(file));
  if (histories.length > 1) throw several(folder, histories);
  if (histories.length === 1) return { format: 'json', paths: histories };
  throw new NextvecError('NO_KNOWN_ARRAYS', `${folder} holds no event file, .wandb file or training_history.json.`, {
    remedy: 'Choose the folder of one run, or the file itself.',
    details: { place: folder },
  });
}

/** Regular files; symbolic links are not followed, so that nothing outside the folder is read. */
async function filesIn(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
  for (const entry of depth === 0 ? [] : entries) {
    if (entry.isDirectory()) files.push(...(await filesIn(join(folder, entry.name), depth - 1)));
    if (files.length > MOST_ENTRIES) {
      throw new NextvecError('OUT_OF_RANGE', `${folder} holds more than ${MOST_ENTRIES} files.`, {
        remedy: 'Choose the folder of one run, or the file itself.',
        details: { place: folder },
      });
    }
  }
  return files;
}

function several(folder: string, paths: readonly string[]): NextvecError {
  const names = paths.map((path) => basename(path));
  return new NextvecError('BAD_INPUT', `${folder} holds ${paths.length} runs: ${nameList(names)}.`, {
    remedy: 'Choose the file of one of them.',
    details: { place: folder },
  });
}
