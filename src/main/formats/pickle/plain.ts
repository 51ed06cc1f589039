/** What a pickle held as JSON: dicts as objects, tuples and arrays as lists; tensors and bytes are left out. */
import { ForeignValue, Global, PickledArray, PickledDType, PickledDict, type PickleValue } from './values.ts';

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

const MOST_VALUES = 1_000_000;
const MOST_DEPTH = 64;

/** A pickle may share or nest its values without end; what goes beyond reason is cut off as null. */
export function toPlain(value: PickleValue): Plain {
  let values = 0;
  const convert = (item: PickleValue, depth: number): Plain => {
    if (++values > MOST_VALUES || depth > MOST_DEPTH) return null;
    if (typeof item === 'bigint') return Number(item);
    if (Array.isArray(item)) return item.map((one) => convert(one, depth + 1));
    if (item instanceof PickledArray) {
      const items = item.items.map((one) => convert(one, depth + 1));
      return item.shape.length === 0 ? (items[0] ?? null) : items;
    }
    if (item instanceof PickledDict) {
      return Object.fromEntries(
        item.keys.flatMap((key, i) =>
          typeof key === 'string' || typeof key === 'number' ? [[String(key), convert(item.values[i], depth + 1)]] : [],
        ),
      );
    }
    const isOpaque =
      item instanceof Uint8Array ||
      item instanceof ForeignValue ||
      item instanceof Global ||
      item instanceof PickledDType;
    return isOpaque ? null : item;
  };
  return convert(value, 0);
}
