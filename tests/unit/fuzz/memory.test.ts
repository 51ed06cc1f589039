/** Leak detection of the fuzzing script. */
import { expect, test } from 'vitest';
import { growth, type MemorySample } from '../../../bench/support/fuzz/memory.ts';

const SAMPLES = 20;

function samples(of: (i: number) => Partial<MemorySample>): MemorySample[] {
  return Array.from({ length: SAMPLES }, (_, i) => ({
    attempts: 1000 * (i + 1),
    rssMb: 300,
    heapMb: 22,
    externalMb: 14,
    arrayBuffersMb: 10,
    openFiles: 47,
    ...of(i),
  }));
}

test('an early plateau with noise is not growth', () => {
  expect(growth(samples((i) => ({ rssMb: i < 3 ? 250 : 340 + 60 * (i % 3) })))).toEqual([]);
});

test('a slow leak is detected under noise', () => {
  const leaking = samples((i) => ({ rssMb: 300 + 8 * i + 40 * (i % 2), heapMb: 22 + i }));
  expect(growth(leaking)).toEqual(['resident memory (MB) from 412 to 492', 'heap (MB) from 31 to 41']);
});

test('a handle leaked every tenth round is detected', () => {
  expect(growth(samples((i) => ({ openFiles: 47 + Math.floor(i / 2) })))).toEqual(['open files from 49 to 54']);
});

test('files of a live worker do not count as leaked', () => {
  expect(growth(samples((i) => ({ openFiles: i === 18 ? 57 : 47 })))).toEqual([]);
});

test('few samples give no verdict', () => {
  expect(growth(samples((i) => ({ heapMb: 20 * (i + 1) })).slice(0, 8))).toEqual([]);
});
