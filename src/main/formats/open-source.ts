/** Opens whatever holds chunks or windows: files with named columns, and files of rows. */
import { basename } from 'node:path';
import { compressionOf, linesOf, plainBytes } from './rows/text-stream.ts';
import { jsonLines } from './rows/json-lines.ts';
import { openRowFile, type RowFile } from './rows/row-file.ts';
import { openDataFile } from './open.ts';
import { readHead } from './files/regular-file.ts';
import type { DataFile } from './columns/table.ts';

/** What an import reads. `file` is closed by the caller; a file of rows is not open. */
export type Source =
  { readonly kind: 'columns'; readonly file: DataFile } | { readonly kind: 'rows'; readonly file: RowFile };

const CSV = /\.(csv|tsv|txt)(\.(gz|zst|zstd))?$/i;
const COMPRESSED_ROWS = /\.(csv|tsv|txt|jsonl|ndjson|json)\.(gz|zst|zstd)$/i;
const HEAD_BYTES = 64;

export async function openSource(path: string): Promise<Source> {
  const rows = await openRows(path);
  return rows ? { kind: 'rows', file: rows } : { kind: 'columns', file: await openDataFile(path) };
}

/** null: it is no file of rows. */
async function openRows(path: string): Promise<RowFile | null> {
  const { head, bytes } = await readHead(path, HEAD_BYTES);
  const isJson = /^(\xef\xbb\xbf)?\s*\{/.test(head.toString('latin1'));
  if (compressionOf(head) === null ? !isJson && !CSV.test(path) : !COMPRESSED_ROWS.test(path)) return null;
  const first = await firstLine(path);
  if (first.startsWith('{')) return openRowFile({ path, format: 'jsonl', bytes, rows: jsonLines(path) });
  if (!CSV.test(path)) return null;
  const { csvRows } = await import('./rows/csv.ts');
  return openRowFile({ path, format: 'csv', bytes, rows: csvRows(path, delimiterOf(path, first)) });
}

async function firstLine(path: string): Promise<string> {
  const file = basename(path);
  for await (const { text } of linesOf(plainBytes(path, file), file)) return text.trimStart();
  return '';
}

/** Excel writes semicolons where the comma is the decimal sign. */
function delimiterOf(path: string, header: string): ',' | '\t' | ';' {
  if (/\.tsv(\.\w+)?$/i.test(path)) return '\t';
  const count = (delimiter: string): number => header.split(delimiter).length;
  return (['\t', ';'] as const).find((delimiter) => count(delimiter) > count(',')) ?? ',';
}
