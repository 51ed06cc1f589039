/** Metadata of a windows file, per window: the article of its target, and whether it crosses articles. */
import { NextvecError } from '#shared/domain/errors.ts';
import { elementsOf, type Column, type DataRecord, type Field, type ReadOptions } from '../../formats/columns/table.ts';

export interface WindowMetadata {
  /** Article number of each window's target. */
  readonly articles: Float64Array;
  /** 1 where the last context row and the target are of different articles; null where the metadata lacks it. */
  readonly crossings: Uint8Array | null;
}

const ARTICLE = 'article_index';
const CROSSES = 'crosses_article';
const LAST_ARTICLE = 'last_context_article';

/** Throws METADATA_REFUSED for records that are not plain data, HEADER_MISMATCH for ones that do not fit the windows. */
export async function readWindowMetadata(
  column: Column,
  windows: number,
  options?: ReadOptions,
): Promise<WindowMetadata> {
  const { place } = column;
  const entries = elementsOf(column);
  const wrongCount = unusable(place, `it describes ${entries} windows, the file has ${windows}`);
  const articles = new Float64Array(windows);
  const crossings = new Uint8Array(windows);
  let crossingsKnown = true;
  let i = 0;
  for await (const block of column.records([ARTICLE, CROSSES, LAST_ARTICLE], options)) {
    // After the pickle is read: a refused call is the better reason.
    if (entries !== windows) throw wrongCount;
    for (const record of block) {
      articles[i] = articleOf(record, place, i);
      const crosses = crossing(record, articles[i]);
      if (crosses === null) crossingsKnown = false;
      else crossings[i] = crosses ? 1 : 0;
      i++;
    }
  }
  if (i !== windows) throw wrongCount;
  return { articles, crossings: crossingsKnown ? crossings : null };
}

function articleOf(record: DataRecord, place: string, i: number): number {
  if (record === null) throw unusable(place, `entry ${i} is no dict`);
  const article = record.get(ARTICLE);
  if (article === undefined) throw unusable(place, `entry ${i} has no ${ARTICLE}`);
  if (typeof article === 'number' && Number.isSafeInteger(article)) return article;
  throw unusable(place, `the ${ARTICLE} of entry ${i} is ${inWords(article)}, not an integer`);
}

function inWords(value: Field): string {
  if (typeof value === 'string') return 'a text';
  if (value === null) return 'None';
  return typeof value === 'object' ? value.kind : String(value);
}

function crossing(record: DataRecord, article: number): boolean | null {
  const crosses = record?.get(CROSSES);
  if (typeof crosses === 'boolean') return crosses;
  const last = record?.get(LAST_ARTICLE);
  return typeof last === 'number' ? last !== article : null;
}

function unusable(place: string, why: string): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${place}: the metadata cannot be used: ${why}.`, {
    remedy: 'Write one dict with an integer article_index for each window.',
  });
}
