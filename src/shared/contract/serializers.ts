/** Typed arrays over every transport: oRPC's JSON has no kind for them, so both ends of each link add these two. */
import { fromUint8Array, toUint8Array } from 'js-base64';

interface NodeBuffer {
  from(text: string, encoding: 'base64'): Uint8Array<ArrayBuffer>;
  from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64'): string };
}
interface NativeBase64 {
  fromBase64?(text: string): Uint8Array<ArrayBuffer>;
}

/** Node's; the package's way without a native one takes a hundred times as long as the data needs. */
const nodeBuffer = (globalThis as { Buffer?: NodeBuffer }).Buffer;
const { fromBase64 } = Uint8Array as NativeBase64;

function encode({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): string {
  if (nodeBuffer) return nodeBuffer.from(buffer, byteOffset, byteLength).toString('base64');
  return fromUint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}

/** The bytes in a buffer of their own, from its beginning. */
function decode(text: string): ArrayBuffer {
  if (fromBase64) return fromBase64.call(Uint8Array, text).buffer;
  return new Uint8Array(nodeBuffer ? nodeBuffer.from(text, 'base64') : toUint8Array(text)).buffer;
}

export const TYPED_ARRAY_SERIALIZERS = [
  {
    type: 30,
    condition: (data: unknown) => data instanceof Float32Array,
    serialize: (data: Float32Array) => encode(data),
    deserialize: (text: string) => new Float32Array(decode(text)),
  },
  {
    type: 31,
    condition: (data: unknown) => data instanceof Float64Array,
    serialize: (data: Float64Array) => encode(data),
    deserialize: (text: string) => new Float64Array(decode(text)),
  },
];
