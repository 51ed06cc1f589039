import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/main/formats/safetensors.ts';

describe('safetensors read from a Node Buffer', () => {
  it('copies each tensor instead of viewing the file', () => {
    const tensors = new Map([
      ['a', { shape: [2], data: new Float32Array([1, 2]) }],
      ['b', { shape: [3], data: new Float32Array([3, 4, 5]) }],
    ]);
    const file = Buffer.from(encodeSafetensors(tensors, {}));
    const read = decodeSafetensors(file, 'f.safetensors').tensors;
    expect([...(read.get('a')?.data ?? [])]).toEqual([1, 2]);
    expect([...(read.get('b')?.data ?? [])]).toEqual([3, 4, 5]);
  });
});
