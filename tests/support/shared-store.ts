/** A vector store in shared memory with windows over it, cut into several segments, float32 or float16. */
import { Random } from '#engine/random.ts';
import type { SharedVectors, WindowSource } from '#engine/types.ts';

export interface StoreOptions {
  readonly windows: number;
  readonly T: number;
  readonly D: number;
  readonly dtype: SharedVectors['dtype'];
  readonly seed?: number;
}

/** The same windows with and without shared memory. Values are exact in half precision. */
export function sharedStore(options: StoreOptions): { shared: WindowSource; plain: WindowSource } {
  const { windows, T, D, dtype } = options;
  const random = new Random(options.seed ?? 1);
  const vectors = windows + T;
  const values = Float32Array.from({ length: vectors * D }, () => Math.round(random.normal() * 256) / 1024);
  const segmentRows = Math.ceil(vectors / 3);
  const segments = [0, 1, 2].map((s) =>
    segmentOf(values.subarray(s * segmentRows * D, (s + 1) * segmentRows * D), dtype),
  );
  const index = new SharedArrayBuffer(windows * (T + 1) * 4);
  const ids = new Uint32Array(index);
  for (let w = 0; w < windows; w++) for (let t = 0; t <= T; t++) ids[w * (T + 1) + t] = w + t;
  const plain: WindowSource = {
    windows,
    T,
    D,
    gather(wanted, contexts, targets) {
      wanted.forEach((w, row) => {
        contexts.set(values.subarray(w * D, (w + T) * D), row * T * D);
        targets.set(values.subarray((w + T) * D, (w + T + 1) * D), row * D);
      });
    },
  };
  return { plain, shared: { ...plain, shared: { dtype, segments, segmentRows, index } } };
}

function segmentOf(values: Float32Array, dtype: SharedVectors['dtype']): SharedArrayBuffer {
  const segment = new SharedArrayBuffer(values.length * (dtype === 'float32' ? 4 : 2));
  if (dtype === 'float32') new Float32Array(segment).set(values);
  else new Uint16Array(segment).set(Array.from(values, toHalf));
  return segment;
}

/** Exact for numbers that half precision holds; rounds no others. */
export function toHalf(x: number): number {
  if (x === 0) return 0;
  const sign = x < 0 ? 0x8000 : 0;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -14);
  const fraction = Math.abs(x) / 2 ** exponent;
  const bits = fraction < 1 ? fraction * 1024 : (exponent + 15) * 1024 + (fraction - 1) * 1024;
  if (!Number.isInteger(bits)) throw new Error(`${x} is not exact in half precision`);
  return sign | bits;
}
