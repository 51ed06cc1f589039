/**
 * Large products of a Gram mixture on a GPU, in place of the kernels of `simd`. They are float32, as on simd; what is made of them
 * (sums over blocks, lists of the nearest) is computed by the processor.
 * R windows of a block, L row length, N kept keys.
 */

export interface GramDevice {
  /** [p | x_T]ᵀ[p | x_T | e] of rows [count, 3L], count ≤ R: row-major [2L, 3L], valid until the next. */
  ridgeProducts(rows: Float32Array, count: number): Promise<Float32Array>;
  /** Keeps keys [n, L] as keys `first` to first + n − 1. */
  setKeys(keys: Float32Array, first: number): void;
  /** Products of queries [count, L], count ≤ R, with all keys kept: [count, `pitch`]; `pitch` is at least the number of keys. */
  similarities(
    queries: Float32Array,
    count: number,
  ): Promise<{ readonly values: Float32Array; readonly pitch: number }>;
  dispose(): void;
}

/** Makes a device for rows of L values and at most `maxKeys` keys; throws RangeError where it has no room for them. */
export type GramDeviceFactory = (size: { readonly L: number; readonly maxKeys: number }) => GramDevice;

/** Lists of the nearest keys, best first, the earlier of equals first. */
export interface NearestLists {
  /** [count, k] */
  readonly similarities: Float32Array;
  /** Key numbers [count, k]. */
  readonly ids: Int32Array;
}

/** Writes the k largest of the first `keys` values of each row to `lists`. */
export function selectNearest(values: Float32Array, pitch: number, keys: number, lists: NearestLists): void {
  const { similarities, ids } = lists;
  const rows = Math.floor(values.length / pitch);
  const k = similarities.length / rows;
  for (let row = 0; row < rows; row++) {
    const list = similarities.subarray(row * k, (row + 1) * k).fill(-Infinity);
    const of = ids.subarray(row * k, (row + 1) * k);
    for (let key = 0, from = row * pitch; key < keys; key++, from++) {
      if (values[from] > list[k - 1]) insert(list, of, values[from], key);
    }
  }
}

/** Takes a value that is larger than the last of the list. */
function insert(list: Float32Array, ids: Int32Array, value: number, id: number): void {
  let at = list.length - 1;
  for (; at > 0 && list[at - 1] < value; at--) {
    list[at] = list[at - 1];
    ids[at] = ids[at - 1];
  }
  list[at] = value;
  ids[at] = id;
}
