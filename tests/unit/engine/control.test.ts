/** Between its pieces of work a trainer gives way for a moment when it is asked to, for at most three quarters of the time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Control } from '#engine/trainer/control.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const STEP_MS = 30;

/** Trains steps of 30 ms for `ms`; returns the milliseconds spent in steps. */
async function trainFor(control: Control, ms: number, beforeStep: () => void): Promise<number> {
  const end = performance.now() + ms;
  let spent = 0;
  while (performance.now() < end) {
    beforeStep();
    vi.advanceTimersByTime(STEP_MS);
    spent += STEP_MS;
    const turn = control.breathe();
    await vi.advanceTimersByTimeAsync(0);
    while (vi.getTimerCount() > 0) await vi.advanceTimersToNextTimerAsync();
    await turn;
  }
  return spent;
}

test('unasked it trains all the time', async () => {
  const spent = await trainFor(new Control(), 3000, () => undefined);
  expect(spent).toBeGreaterThan(2900);
});

test('asked once it rests for half a second', async () => {
  const control = new Control();
  control.giveWay();
  const spent = await trainFor(control, 3000, () => undefined);
  expect(spent).toBeGreaterThan(2400);
  expect(spent).toBeLessThan(2600);
});

test('asked all the time it trains a quarter of it', async () => {
  const control = new Control();
  const spent = await trainFor(control, 3000, () => control.giveWay());
  expect(spent).toBeGreaterThan(700);
  expect(spent).toBeLessThan(1100);
});

test('asked again while it rests it rests on, but not for ever', async () => {
  const control = new Control();
  let steps = 0;
  const asking = setInterval(() => control.giveWay(), 100);
  setTimeout(() => clearInterval(asking), 350);
  const spent = await trainFor(control, 3000, () => {
    if (steps++ === 0) control.giveWay();
  });
  // A rest of 750 ms, not of 350 + 500.
  expect(spent).toBeGreaterThan(2150);
  expect(spent).toBeLessThan(2350);
});

test.each(['pause', 'stop'] as const)(
  'who asks for a %s while it rests does not wait for the end of the rest',
  async (what) => {
    const control = new Control();
    control.giveWay();
    vi.advanceTimersByTime(STEP_MS);
    let isOver = false;
    const turn = control.breathe().then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(100);
    expect(isOver).toBe(false);
    control[what]('as asked');
    await turn;
    expect(performance.now()).toBeLessThan(STEP_MS + 150);
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('resumed after a pause it gives way again when it is asked to', async () => {
  const control = new Control();
  control.pause();
  const paused = control.waitWhilePaused();
  control.resume();
  await paused;
  control.giveWay();
  const spent = await trainFor(control, 3000, () => undefined);
  expect(spent).toBeLessThan(2600);
});
