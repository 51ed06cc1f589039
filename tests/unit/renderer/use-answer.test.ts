/** The answer of main to the newest of several calls. */
import { expect, test } from 'vitest';
import { effectScope } from 'vue';
import { useAnswer } from '../../../src/renderer/ui/feedback/use-answer.ts';

test('no answer arrives after it was cleared: the call is aborted and its result dropped', async () => {
  const scope = effectScope();
  const { answer, busy, ask, clear } = scope.run(() => useAnswer<string>())!;
  const { promise, resolve } = Promise.withResolvers<string>();
  let signal: AbortSignal | null = null;
  const asked = ask((given) => {
    signal = given;
    return promise;
  });
  clear();
  expect([signal!.aborted, busy.value]).toEqual([true, false]);
  resolve('late');
  await asked;
  expect(answer.value).toBeNull();
  scope.stop();
});
