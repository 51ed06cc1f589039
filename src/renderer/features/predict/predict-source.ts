/** Turns the form into a request of the contract, or says what is missing. Pure. */
import { MOST_ROWS, type ContextSource } from '#shared/contract/inference.ts';
import { parseRows } from '#shared/domain/datasets/row-list.ts';
import { messageOf } from '#shared/domain/thrown.ts';

export interface PredictFields {
  readonly from: 'dataset' | 'file';
  readonly datasetId: string;
  /** Windows by their numbers, or one by its place in an article. */
  readonly by: 'window' | 'article';
  /** "0,5,10-19" */
  readonly windows: string;
  readonly article: string;
  /** Window of the article, from 1. */
  readonly place: string;
  readonly path: string;
  /** Rows of the file; empty: all. */
  readonly rows: string;
}

/** `problem` is empty while a field is only empty. */
export type Asked = { readonly source: ContextSource } | { readonly source: null; readonly problem: string };

const missing: Asked = { source: null, problem: '' };

function rowsOf(text: string): number[] | string {
  try {
    return parseRows(text, MOST_ROWS);
  } catch (error) {
    return `${messageOf(error)} Write them as 0,5,10-19.`;
  }
}

export function askedSource(fields: PredictFields): Asked {
  if (fields.from === 'file') return fileSource(fields);
  const { datasetId, by, windows } = fields;
  if (datasetId === '') return missing;
  if (by === 'article') return articleSource(fields);
  if (windows.trim() === '') return missing;
  const rows = rowsOf(windows);
  if (typeof rows === 'string') return { source: null, problem: rows };
  return { source: { kind: 'dataset', datasetId, windows: rows } };
}

function articleSource({ datasetId, article, place }: PredictFields): Asked {
  if (article.trim() === '' || place.trim() === '') return missing;
  const [number, window] = [Number(article), Number(place)];
  if (!Number.isFinite(number)) return { source: null, problem: 'An article is a number, as the file has it.' };
  if (!Number.isInteger(window) || window < 1) return { source: null, problem: 'Windows of an article count from 1.' };
  return { source: { kind: 'article', datasetId, article: number, index: window - 1 } };
}

function fileSource({ path, rows }: PredictFields): Asked {
  if (path === '') return missing;
  if (rows.trim() === '') return { source: { kind: 'file', path, rows: null } };
  const wanted = rowsOf(rows);
  if (typeof wanted === 'string') return { source: null, problem: wanted };
  return { source: { kind: 'file', path, rows: wanted } };
}
