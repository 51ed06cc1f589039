/** The New run form. */
import { beforeEach, expect, test, vi } from 'vitest';
import NewRunPage from '../../src/renderer/features/new-run/NewRunPage.vue';
import { dataset, run } from './support/fixtures.ts';
import { button, click, field, fill, hasField, mountPage, texts } from './support/page.ts';
import { client, history } from './support/rpc.ts';

vi.mock('../../src/renderer/rpc.ts', () => import('./support/rpc.ts'));

beforeEach(() => {
  history.datasets = [dataset('docs'), dataset('manual-ood'), dataset('wide-ood', { D: 128 })];
  history.runs = [];
  // No answer: the panel beside the form is not under test.
  client.runs.preflight.mockReset().mockReturnValue(new Promise(() => undefined));
  client.runs.start.mockReset().mockResolvedValue({ runId: 'run-9' });
});

async function open(path = '/new-run') {
  const mounted = await mountPage(NewRunPage, {}, path);
  // Lists arrive after the form is mounted.
  await vi.waitFor(() => expect(hasField('Name') && field('Data set').value).toBe('docs'), 10_000);
  return mounted;
}

const startButton = () => {
  const found = [...document.querySelectorAll('button')].find((element) => element.textContent.includes('Start run'));
  if (!found) throw new Error('There is no button "Start run".');
  return found;
};

test('offers an import and the sample while there is no data', async () => {
  history.datasets = [];
  await mountPage(NewRunPage);
  expect(button('Import a data set…').disabled).toBe(false);
  expect(button('Retrain on the sample').disabled).toBe(false);
  expect(hasField('Epochs')).toBe(false);
});

test('chooses the first set to train on and an OOD set of its shape', async () => {
  await open();
  expect(field('Data set').value).toBe('docs');
  expect(field('OOD set').value).toBe('manual-ood');
  const wide = [...field<HTMLSelectElement>('OOD set').options].find(({ value }) => value === 'wide-ood');
  expect(wide?.disabled).toBe(true);
  expect(wide?.textContent).toContain('does not fit');
});

test('starts the run that is written', async () => {
  const { router } = await open();
  await fill(field('Epochs'), '7');
  await fill(field('Learning rate'), '5e-4');
  await fill(field('λ MSE'), '0,5');
  await fill(field('Name'), ' night ');
  await click(startButton());
  expect(client.runs.start).toHaveBeenCalledExactlyOnceWith({
    recipe: expect.objectContaining({
      dataset: 'docs',
      ood: 'manual-ood',
      epochs: 7,
      lr: 5e-4,
      lambda: expect.objectContaining({ mse: 0.5 }),
    }),
    name: 'night',
    tags: [],
  });
  await vi.waitFor(() => expect(router.currentRoute.value.params.id).toBe('run-9'));
});

test('says beside a field what is wrong with it and does not start', async () => {
  await open();
  await fill(field('Epochs'), '0');
  expect(field('Epochs').getAttribute('aria-invalid')).toBe('true');
  const note = document.getElementById(field('Epochs').getAttribute('aria-describedby') ?? '');
  expect(note?.textContent).toContain('Epochs must be at least 1');
  expect(texts('.bad')).toContain('1 field to correct');
  expect(startButton().disabled).toBe(true);
  await click(button('Back to the default of Epochs'));
  expect(startButton().disabled).toBe(false);
});

test('offers AMN fields only for AMN', async () => {
  await open();
  expect(hasField('Skip path')).toBe(true);
  await fill(field('Model'), 'gru');
  expect(hasField('Skip path')).toBe(false);
});

test('takes the recipe of a run and shows what differs from it', async () => {
  history.runs = [run(3, { recipe: { epochs: 12 } })];
  await open('/new-run?like=run-3');
  expect(field('Epochs').value).toBe('12');
  await fill(field('Epochs'), '20');
  expect(texts('.was')).toContain('#3: 12');
});
