/** Vectors of generated articles, from the seed alone. */
export const LARGE_D = 768;
/** Share of the article's topic in a vector: neighbours then have a cosine of about 0.34. */
const TOPIC = 0.72;

/** Unit vectors [count, LARGE_D]. */
export function articleVectors(article: number, count: number): Float32Array<ArrayBuffer> {
  const D = LARGE_D;
  const values = new Float32Array(count * D);
  let state = Math.imul(article + 1, 0x9e3779b1) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
  const topic = Float64Array.from({ length: D }, next);
  for (let row = 0; row < count; row++) {
    let squares = 0;
    for (let d = row * D; d < (row + 1) * D; d++) {
      values[d] = TOPIC * topic[d % D] + next();
      squares += values[d] * values[d];
    }
    const scale = 1 / Math.sqrt(squares);
    for (let d = row * D; d < (row + 1) * D; d++) values[d] *= scale;
  }
  return values;
}
