/**
 * float16 and bfloat16 to float32 and back, exact and round-to-nearest-even. Bit tricks and one 256 KB table,
 * so that Float16Array is not needed. Counts are elements.
 */

/** float32 value of every float16 bit pattern, made when first needed. */
let float32OfHalf: Float32Array | null = null;

function buildTable(): Float32Array {
  const table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) table[bits] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/** Overwrites out[outStart ...] with `count` values of `halves[start ...]`. */
export function halfToFloat(
  halves: Uint16Array,
  start: number,
  out: Float32Array,
  outStart: number,
  count: number,
): void {
  const values = (float32OfHalf ??= buildTable());
  for (let i = 0; i < count; i++) out[outStart + i] = values[halves[start + i]];
}

/** float32 values of all `halves`, in a new array. */
export function halvesToFloats(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  halfToFloat(halves, 0, values, 0, halves.length);
  return values;
}

export function bfloatToFloat(words: Uint16Array, out: Float32Array, count: number): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, count);
  for (let i = 0; i < count; i++) bits[i] = words[i] << 16;
}

/** Overwrites out[0 ...] with float32 bit patterns `words[start ...]` as float16; beyond 65,504 it becomes ±Infinity. */
export function floatToHalf(words: Uint32Array, start: number, out: Uint16Array, count: number): void {
  for (let i = 0; i < count; i++) out[i] = halfBits(words[start + i]);
}

/** float16 bits of one float32 bit pattern, ties to even. */
export function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  if (magnitude < 0x33000000) return sign;
  // Subnormal: restore the implicit one and shift right until the last bit is worth 2^-24.
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const half = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (half + (rest > middle || (rest === middle && half & 1) ? 1 : 0));
}
