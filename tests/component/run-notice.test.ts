/** The notice of a run that stopped, with what can be done next. */
import { expect, test } from 'vitest';
import { defineComponent, h, shallowRef } from 'vue';
import type { RunSummary } from '#shared/contract/runs.ts';
import RunNotice from '../../src/renderer/features/run/RunNotice.vue';
import { useRunSteering } from '../../src/renderer/features/run/run-steering.ts';
import { run } from './support/fixtures.ts';
import { button, click, mountPage, texts } from './support/page.ts';
import { client } from './support/rpc.ts';

const ON_WEBGPU: NonNullable<RunSummary['engine']> = {
  name: 'webgpu',
  version: '1',
  threads: 1,
  variant: 'test',
  deterministic: true,
};

/** The notice as the run page has it. */
function mountNotice(summary: RunSummary) {
  const page = defineComponent({
    setup() {
      const shown = shallowRef<RunSummary | null>(summary);
      const steering = useRunSteering(shown);
      return () => shown.value && h(RunNotice, { run: shown.value, steering });
    },
  });
  return mountPage(page);
}

test('an interrupted run of webgpu is resumed on simd by its own button', async () => {
  const interrupted = run(3, { status: 'interrupted', reason: 'The GPU was lost.', engine: ON_WEBGPU });
  client.runs.resume.mockResolvedValue({ ...interrupted, status: 'running', reason: '' });
  await mountNotice(interrupted);
  expect(texts('.notice').join()).toContain('The GPU was lost.');
  await click(button('Resume on simd'));
  expect(client.runs.resume).toHaveBeenCalledExactlyOnceWith({ runId: 'run-3', engine: 'simd' });
  // Running again: there is nothing left to say.
  expect(texts('.notice')).toEqual([]);
});

test.each<[string, Partial<RunSummary>]>([
  ['interrupted on simd', { status: 'interrupted', engine: { ...ON_WEBGPU, name: 'simd' } }],
  ['paused on webgpu', { status: 'paused', engine: ON_WEBGPU }],
  ['failed on webgpu', { status: 'failed', engine: ON_WEBGPU }],
])('not offered to a run %s', async (_, changes) => {
  await mountNotice(run(3, changes));
  expect(texts('button')).not.toContain('Resume on simd');
});
