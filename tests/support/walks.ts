/** Synthetic windows: unit random walks, so that the context carries signal and its order matters. */
import { baselineRows, meanCosines } from '#engine/evaluation/baselines.ts';
import type { WindowSource } from '#engine/types.ts';
import { Random } from '#engine/random.ts';

/** `windows` windows of T unit vectors and a target in D dimensions; each vector is the last one plus noise. */
export function walks(windows: number, T: number, D: number, seed = 1, noise = 0.5): WindowSource {
  const random = new Random(seed);
  const centre = Array.from({ length: D }, () => random.normal());
  const vectors = new Float32Array(windows * (T + 1) * D);
  for (let w = 0; w < windows; w++) {
    const at = centre.slice();
    for (let t = 0; t <= T; t++) {
      for (let d = 0; d < D; d++) at[d] += noise * random.normal();
      const norm = Math.hypot(...at);
      vectors.set(
        at.map((x) => x / norm),
        (w * (T + 1) + t) * D,
      );
    }
  }
  return sourceOf(vectors, windows, T, D);
}

/** Windows stored one after another, [windows, T + 1, D]. */
export function sourceOf(vectors: Float32Array, windows: number, T: number, D: number): WindowSource {
  const size = (T + 1) * D;
  return {
    windows,
    T,
    D,
    gather(ids, contexts, targets) {
      ids.forEach((id, row) => {
        contexts.set(vectors.subarray(id * size, id * size + T * D), row * T * D);
        targets.set(vectors.subarray(id * size + T * D, (id + 1) * size), row * D);
      });
    },
  };
}

export function range(start: number, end: number): Uint32Array {
  return Uint32Array.from({ length: end - start }, (_, i) => start + i);
}

/** Mean cosine of each fitted baseline on a split. */
export async function baselineCosines(...input: Parameters<typeof baselineRows>) {
  const rows = await baselineRows(...input);
  return rows && meanCosines(rows);
}
