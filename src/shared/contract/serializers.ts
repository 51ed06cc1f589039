/** Typed arrays over every transport: oRPC's JSON has no kind for them, so both ends of each link add these two. */
import { fromUint8Array, toUint8Array } from 'js-base64';

function bytesOf(array: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export const TYPED_ARRAY_SERIALIZERS = [
  {
    type: 30,
    condition: (data: unknown) => data instanceof Float32Array,
    serialize: (data: Float32Array) => fromUint8Array(bytesOf(data)),
    deserialize: (text: string) => new Float32Array(toUint8Array(text).slice().buffer),
  },
  {
    type: 31,
    condition: (data: unknown) => data instanceof Float64Array,
    serialize: (data: Float64Array) => fromUint8Array(bytesOf(data)),
    deserialize: (text: string) => new Float64Array(toUint8Array(text).slice().buffer),
  },
];
