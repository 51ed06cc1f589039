/** Serialisers of typed arrays: round trip keeps every bit, in separate memory. */
import fc from 'fast-check';
import { toUint8Array } from 'js-base64';
import { describe, expect, test } from 'vitest';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';

const [float32, float64] = TYPED_ARRAY_SERIALIZERS;

function bytesOf(array: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

describe.each([
  { name: 'float32', serializer: float32, make: Float32Array, other: Float64Array },
  { name: 'float64', serializer: float64, make: Float64Array, other: Float32Array },
])('$name', ({ serializer, make, other }) => {
  test('matches its own kind only', () => {
    expect(serializer.condition(new make(1))).toBe(true);
    expect(serializer.condition(new other(1))).toBe(false);
  });

  test('round trip keeps every byte of any view, NaN payloads included', () => {
    const bytes = fc.uint8Array({ maxLength: 4096 });
    fc.assert(
      fc.property(bytes, fc.nat({ max: 3 }), (raw, from) => {
        const whole = new make(raw.slice(0, raw.length - (raw.length % make.BYTES_PER_ELEMENT)).buffer);
        const view = whole.subarray(Math.min(from, whole.length));
        const text = serializer.serialize(view as never);
        const back = serializer.deserialize(text);
        expect(bytesOf(back)).toEqual(bytesOf(view));
        expect(back.byteOffset).toBe(0);
        expect(back.buffer.byteLength).toBe(back.byteLength);
        // Plain base64, as read by a peer without a native decoder.
        expect(toUint8Array(text)).toEqual(new Uint8Array(bytesOf(view)));
      }),
    );
  });
});
