/** Heartbeat: detects a trainer that no longer answers. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Heartbeat } from '../../../src/main/runs/live/heartbeat.ts';

const EVERY_MS = 100;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listening(ask: () => Promise<unknown>): { heartbeat: Heartbeat; silences: () => number } {
  let silences = 0;
  const heartbeat = new Heartbeat({ everyMs: EVERY_MS, ask, onSilence: () => (silences += 1) });
  heartbeat.listen(true);
  return { heartbeat, silences: () => silences };
}

const never = (): Promise<never> => new Promise(() => undefined);

test('reports a trainer that never answers once, after twelve ticks', async () => {
  const { heartbeat, silences } = listening(never);
  await vi.advanceTimersByTimeAsync(EVERY_MS + heartbeat.limitMs - 1);
  expect(silences()).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(silences()).toBe(1);
  await vi.advanceTimersByTimeAsync(100 * EVERY_MS);
  expect(silences()).toBe(1);
});

test('a late answer or an error counts as alive', async () => {
  const late = () => new Promise((resolve) => setTimeout(resolve, 10 * EVERY_MS));
  const slow = listening(late);
  const failing = listening(() => Promise.reject(new Error('no run yet')));
  await vi.advanceTimersByTimeAsync(200 * EVERY_MS);
  expect(slow.silences()).toBe(0);
  expect(failing.silences()).toBe(0);
});

test('a late answer resets the count', async () => {
  let asked = 0;
  const { heartbeat, silences } = listening(() => {
    asked += 1;
    return asked === 1 ? new Promise((resolve) => setTimeout(resolve, 11 * EVERY_MS)) : never();
  });
  await vi.advanceTimersByTimeAsync(heartbeat.limitMs + 10 * EVERY_MS);
  expect(asked).toBe(2);
  expect(silences()).toBe(0);
  await vi.advanceTimersByTimeAsync(4 * EVERY_MS);
  expect(silences()).toBe(1);
});

test('sends nothing while disabled', async () => {
  const ask = vi.fn<() => Promise<never>>(never);
  const { heartbeat, silences } = listening(ask);
  heartbeat.listen(false);
  await vi.advanceTimersByTimeAsync(100 * EVERY_MS);
  expect(ask).not.toHaveBeenCalled();
  expect(silences()).toBe(0);
});
