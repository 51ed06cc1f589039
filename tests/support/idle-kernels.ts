/** A WebAssembly module that passes for compiled kernels of some ABI but computes nothing. */

const bytesOf = (text: string) => [text.length, ...new TextEncoder().encode(text)];
const section = (id: number, content: readonly number[]) => [id, content.length, ...content];

/** Signed LEB128 of a number from 0 to 2³¹ − 1. */
function leb(value: number): number[] {
  return value < 64 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >> 7)];
}

/** Exports `tiles` (i32 × 7) → (), whose body is empty, and the global `abi` unless it is undefined. */
export function idleKernels(abi: number | undefined): Uint8Array<ArrayBuffer> {
  const tiles = [...bytesOf('tiles'), 0, 0];
  const exports = abi === undefined ? [1, ...tiles] : [2, ...tiles, ...bytesOf('abi'), 3, 0];
  // prettier-ignore
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 7, ...Array.from({ length: 7 }, () => 0x7f), 0]),
    ...section(3, [1, 0]),
    ...section(6, [1, 0x7f, 0, 0x41, ...leb(abi ?? 0), 0x0b]),
    ...section(7, exports),
    ...section(10, [1, 2, 0, 0x0b]),
  ]);
}
