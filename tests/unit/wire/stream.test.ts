/** Event streams clean up when their reader returns. */
import { describe, expect, test } from 'vitest';
import { eventStream } from '../../../src/main/wire/stream.ts';

/** Counts up and records its end; awaits `pause` before each number but the first. */
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
  test('returning between two events runs the clean-up first', async () => {
    const seen: string[] = [];
    for await (const value of eventStream(() => numbers(seen))) if (value === 2) break;
    expect(seen).toEqual(['ended']);
  });

  test('returning while waiting aborts the wait and runs the clean-up', async () => {
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

  test('returning does not wait for work that ignores the signal', async () => {
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

  test('errors are converted to contract errors', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('a bug');
    }
    const stream = eventStream(failing);
    await stream.next();
    await expect(stream.next()).rejects.toMatchObject({ code: 'NEXTVEC' });
  });
});
