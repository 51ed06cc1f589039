/** Places for heavy work. */
import { expect, test } from 'vitest';
import { Slots } from '../../../src/main/processes/slots.ts';

test('runs as many as there are slots; the others follow in order', async () => {
  const slots = new Slots(2);
  const began: number[] = [];
  const [first, second] = [await slots.take(), await slots.take()];
  const waiting = [3, 4].map(async (n) => {
    const leave = await slots.take();
    began.push(n);
    return leave;
  });
  expect(began).toEqual([]);
  first();
  const third = await waiting[0];
  expect(began).toEqual([3]);
  second();
  await waiting[1];
  expect(began).toEqual([3, 4]);
  third();
});

test('a slot is released only once', async () => {
  const slots = new Slots(1);
  const leave = await slots.take();
  leave();
  leave();
  await slots.take();
  const controller = new AbortController();
  const next = slots.take(controller.signal);
  controller.abort();
  await expect(next).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('an aborted waiter takes no slot', async () => {
  const slots = new Slots(1);
  const leave = await slots.take();
  const controller = new AbortController();
  const gone = slots.take(controller.signal);
  const next = slots.take();
  controller.abort();
  await expect(gone).rejects.toMatchObject({ code: 'CANCELLED' });
  leave();
  (await next)();
  await expect(slots.take(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
});
