/** Control: turns of the event loop, pause, resume, stop. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Control } from '#engine/trainer/control.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('yields to the event loop after 10 ms of work, not before', async () => {
  const control = new Control();
  vi.advanceTimersByTime(9);
  await control.yieldToEventLoop();
  vi.advanceTimersByTime(1);
  let message = false;
  setImmediate(() => (message = true));
  const turn = control.yieldToEventLoop();
  expect(vi.getTimerCount()).toBe(2);
  await vi.runAllTimersAsync();
  await turn;
  expect(message).toBe(true);
  // The 10 ms start anew.
  vi.advanceTimersByTime(9);
  await control.yieldToEventLoop();
});

test.each(['resume', 'stop'] as const)('waits while paused until %s', async (end) => {
  const control = new Control();
  control.pause();
  let isOver = false;
  const waiting = control.waitWhilePaused().then(() => (isOver = true));
  await Promise.resolve();
  expect(isOver).toBe(false);
  control[end]('as asked');
  await waiting;
  expect(control.isPausing).toBe(false);
  expect(control.isStopping).toBe(end === 'stop');
});

test('keeps the first reason to stop', () => {
  const control = new Control();
  control.stop('diverged');
  control.stop('asked');
  expect(control.stopReason).toBe('diverged');
});

test('a stop at the end of the epoch does not stop at once', () => {
  const control = new Control();
  control.stopAtEpochEnd();
  expect(control.isStopping).toBe(false);
  expect(control.stopsAtEpochEnd).toBe(true);
  expect(control.stopReason).toContain('end of the epoch');
});
