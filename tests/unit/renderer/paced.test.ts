/** Figures that follow what they are of: at most so often, in a frame, and read no more often than shown. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { effectScope, shallowRef } from 'vue';
import { usePaced } from '../../../src/renderer/ui/paced.ts';

const FRAME_MS = 16;
const EVERY_MS = 200;

/** Whether the code that runs is a frame's. */
let inFrame = false;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) =>
    setTimeout(() => {
      inFrame = true;
      callback(performance.now());
      inFrame = false;
    }, FRAME_MS),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function follow() {
  const source = shallowRef(0);
  const reads: boolean[] = [];
  const scope = effectScope();
  const paced = scope.run(() =>
    usePaced(() => {
      reads.push(inFrame);
      return source.value;
    }, EVERY_MS),
  )!;
  return { source, reads, scope, paced };
}

test('it is there from the start', () => {
  const { source, paced } = follow();
  source.value = 1;
  expect(paced.value).toBe(0);
});

test('of many changes it shows the last, at most so often, and is read in frames only', () => {
  const { source, reads, paced } = follow();
  for (let i = 1; i <= 100; i++) {
    source.value = i;
    vi.advanceTimersByTime(10);
  }
  expect(reads.length - 1).toBeGreaterThanOrEqual(4);
  expect(reads.length - 1).toBeLessThanOrEqual(1000 / EVERY_MS);
  vi.advanceTimersByTime(EVERY_MS + FRAME_MS);
  expect(paced.value).toBe(100);
  expect(reads.slice(1).every(Boolean)).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('a change after a quiet while is shown in the next frame', () => {
  const { source, paced } = follow();
  vi.advanceTimersByTime(10 * EVERY_MS);
  source.value = 7;
  vi.advanceTimersByTime(2 * FRAME_MS);
  expect(paced.value).toBe(7);
});

test('nothing is read when what shows it has gone', () => {
  const { source, reads, scope } = follow();
  source.value = 1;
  vi.advanceTimersByTime(EVERY_MS);
  scope.stop();
  source.value = 2;
  vi.advanceTimersByTime(10 * EVERY_MS);
  expect(reads).toHaveLength(1);
});
