/** Event streams end what they read from when their reader goes. */
import { describe, expect, test } from 'vitest';
import { eventStream } from '../../../src/main/wire/stream.ts';

/** Counts up and notes when it was ended; `pause` before each number but the first. */
async function* numbers(seen: string[], pause?: (signal: AbortSignal) => Promise<void>, signal?: AbortSignal) {
  try {
    for (let i = 0; ; i++) {
      yield i;
      if (signal !== undefined) await pause?.(signal);
    }
  } finally {
    seen.push('ended');
  }
}

describe('event stream', () => {
  test('a reader that leaves between two events runs the clean-up before it goes on', async () => {
    const seen: string[] = [];
    for await (const value of eventStream(() => numbers(seen))) if (value === 2) break;
    expect(seen).toEqual(['ended']);
  });

  test('a reader that leaves while an event is awaited aborts the wait and runs the clean-up', async () => {
    const seen: string[] = [];
    const untilAborted = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
    const stream = eventStream((signal) => numbers(seen, untilAborted, signal));
    await stream.next();
    const waiting = stream.next();
    await stream.return();
    expect((await waiting).done).toBe(true);
    await expect.poll(() => seen).toEqual(['ended']);
  });

  test('a reader that leaves is not held up by work that knows no signal', async () => {
    let go = (): void => undefined;
    const seen: string[] = [];
    const stream = eventStream(() =>
      numbers(seen, () => new Promise<void>((resolve) => (go = resolve)), new AbortController().signal),
    );
    await stream.next();
    const waiting = stream.next();
    await new Promise(setImmediate);
    await stream.return();
    expect(seen).toEqual([]);
    go();
    await waiting;
    await expect.poll(() => seen).toEqual(['ended']);
  });

  test('an error leaves as one of the contract', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('a bug');
    }
    const stream = eventStream(failing);
    await stream.next();
    await expect(stream.next()).rejects.toMatchObject({ code: 'NEXTVEC' });
  });
});
