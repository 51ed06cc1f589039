/** Object arrays (pickles inside .npy) as the metadata of windows: which article each target belongs to. */
import { NextvecError } from '#shared/domain/errors.ts';
import type { ArrayInfo } from './arrays.ts';
import { readWhole } from './bytes.ts';
import { PickledArray, PickledDict, type PickleValue } from './pickle/values.ts';
import { readPickle } from './pickle/read.ts';

const MAX_BYTES = 1 << 30;

export interface WindowMetadata {
  /** Article number of each window's target. */
  readonly articles: Float64Array;
  /** Windows whose last context row and target stand in different articles; null where the metadata does not say. */
  readonly crossings: Uint8Array | null;
}

/** Throws METADATA_REFUSED for a pickle that is not plain data, HEADER_MISMATCH for metadata of another shape. */
export async function readWindowMetadata(array: ArrayInfo, windows: number): Promise<WindowMetadata> {
  const { place } = array;
  if (array.dtype.kind !== 'O') throw unusable(place, `it holds ${array.dtype.label}, not dicts`);
  const bytes = await readWhole(array.member, MAX_BYTES);
  const value = readPickle(bytes.subarray(array.dataOffset), place);
  const items = value instanceof PickledArray ? value.items : value;
  if (!Array.isArray(items) || items.length !== windows) {
    throw unusable(
      place,
      `it describes ${Array.isArray(items) ? items.length : 'no'} windows, the file has ${windows}`,
    );
  }
  return collect(items, place);
}

function collect(items: readonly PickleValue[], place: string): WindowMetadata {
  const articles = new Float64Array(items.length);
  const crossings = new Uint8Array(items.length);
  let crossingsKnown = true;
  for (const [i, item] of items.entries()) {
    const article = item instanceof PickledDict ? item.get('article_index') : undefined;
    if (!(item instanceof PickledDict) || typeof article !== 'number' || !Number.isSafeInteger(article)) {
      throw unusable(place, `entry ${i} has no article_index`);
    }
    articles[i] = article;
    const crosses = crossing(item, article);
    if (crosses === null) crossingsKnown = false;
    else crossings[i] = crosses ? 1 : 0;
  }
  return { articles, crossings: crossingsKnown ? crossings : null };
}

function crossing(item: PickledDict, article: number): boolean | null {
  const crosses = item.get('crosses_article');
  if (typeof crosses === 'boolean') return crosses;
  const last = item.get('last_context_article');
  return typeof last === 'number' ? last !== article : null;
}

function unusable(place: string, why: string): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${place}: the metadata cannot be used: ${why}.`, {
    remedy: 'Write one dict with article_index for each window.',
  });
}
