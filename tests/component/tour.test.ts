/** The tour's page: which step is next, what its button does, what done steps say. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test } from 'vitest';
import type { Queue, QueueItem } from '#shared/contract/plans.ts';
import TourPage from '../../src/renderer/features/tour/TourPage.vue';
import { usePlansStore } from '../../src/renderer/stores/plans-store.ts';
import { best, dataset, run } from './support/fixtures.ts';
import { button, click, mountPage, texts } from './support/page.ts';
import { client, history } from './support/rpc.ts';

const KEYS = ['mse', 'proposed', 'leaking', 'robust', 'report'];

/** The tour's plan with statuses in the order of its items; the n-th trained item has run n. */
function queue(...statuses: QueueItem['status'][]): Queue {
  const items = KEYS.map((key, i) => {
    const hasRun = key !== 'report' && statuses[i] !== 'held';
    const fields = { id: i + 1, key, status: statuses[i], reason: '', runId: hasRun ? `run-${i + 1}` : null };
    return { ...fields, progress: null, reportPath: null } as unknown as QueueItem;
  });
  return {
    plans: [{ id: 1, name: 'tour', isPaused: false, items }] as unknown as Queue['plans'],
    order: [],
    isRunning: true,
  };
}

async function show(state: Queue | null): Promise<void> {
  await mountPage(TourPage);
  usePlansStore().queue = state;
  await flushPromises();
}

const states = () =>
  [...document.querySelectorAll('.step')].map((step) => step.className.replace('step', '').trim()).join(' ');

beforeEach(() => {
  const recipe = { dataset: 'train', ood: 'ood' };
  history.datasets = [dataset('train'), dataset('ood')];
  history.runs = [run(1, { recipe, best: { ...best(0.4454), oodCosine: 0.3568 }, valLift: -0.03, oodLift: -0.1787 })];
  client.datasets.importSample.mockResolvedValue({ train: dataset('train'), ood: dataset('ood') });
  client.plans.create.mockResolvedValue(undefined);
  client.plans.resume.mockResolvedValue(undefined);
  client.evaluation.list.mockResolvedValue([]);
});

test('begins with the sample and a plan whose other items wait', async () => {
  await show(null);
  expect(states()).toBe('next later later later later later later');
  await click(button('Retrain'));
  expect(client.plans.create.mock.calls[0][0]).toMatchObject({
    dataset: 'train',
    ood: 'ood',
    items: KEYS.map((key) => expect.objectContaining({ key })),
  });
});

test('goes on from what is stored: the run is done, its evaluation is next', async () => {
  await show(queue('missed', 'held', 'held', 'held', 'held'));
  expect(states()).toBe('done next later later later later later');
  expect(texts('[data-step="mse"] .words')[0]).toContain('Validation cosine 0.4454');
  expect(button('Evaluate on the OOD set').disabled).toBe(false);
});

test('a step resumes its item; a failed one says why and can be tried again', async () => {
  const onOod = {
    data: { id: 'ood' },
    cosine: { mean: 0.3568 },
    baselines: { contextMean: 0.5355 },
    lift: { contextMean: -0.1787 },
    verdicts: [],
  };
  client.evaluation.list.mockResolvedValue([onOod]);
  await show(queue('missed', 'held', 'held', 'held', 'held'));
  expect(texts('[data-step="baselines"] .words')[0]).toContain('0.1787 below the mean of the context');
  await click(button('Retrain with 0.5 / 0.5'));
  expect(client.plans.resume).toHaveBeenCalledWith({ planId: null, itemId: 2 });

  const failed = queue('missed', 'failed', 'held', 'held', 'held');
  usePlansStore().queue = failed;
  await flushPromises();
  expect(states()).toBe('done done failed later later later later');
  expect(button('Try again').disabled).toBe(false);
});
