/** Folders that `save_to_disk` of Hugging Face's datasets wrote: the shards of a Dataset, or the splits of a DatasetDict. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { nameList } from '#shared/domain/short-text.ts';
import { readJsonFile } from './files/json-file.ts';

const STATE = 'state.json';
const SPLITS = 'dataset_dict.json';

const StateSchema = z.object({
  _data_files: z.array(z.object({ filename: z.string() })).min(1),
  /** Of versions before 2.0: rows that were chosen, in their order. */
  _indices_data_files: z.array(z.unknown()).nullish(),
});
const SplitsSchema = z.object({ splits: z.array(z.string()) });

/** The shards in their order; null: it is no such folder. Other Arrow files in it are caches. Throws for a folder of splits. */
export function huggingFaceFiles(folder: string): string[] | null {
  if (existsSync(join(folder, SPLITS))) {
    const { splits } = readAs(SplitsSchema, join(folder, SPLITS));
    const remedy = `Import one of them: ${nameList(splits.map((name) => join(folder, name)))}.`;
    throw refused(folder, `is a DatasetDict with the splits ${nameList(splits)}`, remedy);
  }
  if (!existsSync(join(folder, STATE))) return null;
  const { _data_files: shards, _indices_data_files: indices } = readAs(StateSchema, join(folder, STATE));
  if (indices && indices.length > 0) {
    const remedy = 'In Python, call flatten_indices() on the Dataset and save it again.';
    throw refused(folder, 'is a selection of rows of a Dataset', remedy);
  }
  return shards.map(({ filename }) => {
    if (basename(filename) === filename && filename !== '..') return join(folder, filename);
    throw refused(folder, `names a file outside itself (${filename})`, 'Save the Dataset again with save_to_disk.');
  });
}

function readAs<T>(schema: z.ZodType<T>, path: string): T {
  const parsed = schema.safeParse(readJsonFile(path, 'ARCHIVE_DAMAGED'));
  if (parsed.success) return parsed.data;
  const [{ path: at }] = parsed.error.issues;
  throw new NextvecError('ARCHIVE_DAMAGED', `${path}: ${at.join('.') || 'the content'} is not as datasets writes it.`, {
    remedy: 'Save the Dataset again with save_to_disk, or import its .arrow files one by one.',
    details: { place: path },
  });
}

function refused(path: string, what: string, remedy: string): NextvecError {
  return new NextvecError('FILE_UNREADABLE', `${path} ${what}.`, { remedy, details: { place: path } });
}
