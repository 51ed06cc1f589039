/** The Transformer's sinusoidal positions, PyTorch's buffer `pos_encoder.pe`. T positions, H features. */

/** Sine in even and cosine in odd features. [T, H] */
export function positionTable(T: number, H: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(T * H);
  for (let t = 0; t < T; t++) {
    for (let i = 0; i < H; i += 2) {
      const angle = t * Math.exp((i * -Math.log(10_000)) / H);
      table[t * H + i] = Math.sin(angle);
      if (i + 1 < H) table[t * H + i + 1] = Math.cos(angle);
    }
  }
  return table;
}
