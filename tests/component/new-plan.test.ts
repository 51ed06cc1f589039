/** The dialog for the plan "recover". */
import { beforeEach, expect, test } from 'vitest';
import NewPlanDialog from '../../src/renderer/features/plans/NewPlanDialog.vue';
import { dataset, run } from './support/fixtures.ts';
import { button, click, field, fill, mountDialog, texts, type Mounted } from './support/page.ts';
import { client, history } from './support/rpc.ts';

const QUEUE = 'Put it into the queue';
let mounted: Mounted;

beforeEach(async () => {
  history.datasets = [dataset('docs'), dataset('manual-ood')];
  history.runs = [run(3, { recipe: { lr: 2e-3 } })];
  client.plans.create.mockResolvedValue(undefined);
  mounted = await mountDialog(NewPlanDialog);
});

test('queues AMN with its gates, its cures and the mixture, the other models after AMN, then the report', async () => {
  await fill(field('Recipe of'), 'run-3');
  await fill(field('With'), '--epochs 4');
  await click(field('GRU stack'));
  await click(button(QUEUE));
  const [plan] = client.plans.create.mock.calls[0];
  expect(plan).toMatchObject({ name: 'Recover', dataset: 'docs', ood: 'manual-ood' });
  expect(plan).toHaveProperty('items', [
    expect.objectContaining({
      key: 'amn',
      recipe: expect.objectContaining({ modelType: 'amn', lr: 2e-3, epochs: 4 }),
      gates: [
        { metric: 'valBestLift', minimum: 0 },
        { metric: 'oodBestLift', minimum: 0 },
      ],
    }),
    expect.objectContaining({ key: 'cured', like: 'amn' }),
    expect.objectContaining({ key: 'gram', recipe: expect.objectContaining({ modelType: 'gram' }) }),
    expect.objectContaining({ key: 'lstm', needs: ['amn'], like: 'amn' }),
    expect.objectContaining({ key: 'transformer', needs: ['amn'], like: 'amn' }),
    expect.objectContaining({ key: 'report', needs: ['cured', 'gram'] }),
  ]);
  expect(mounted.wrapper.emitted('update:open')).toEqual([[false]]);
});

test('a gate ignores a minimum that is not a cosine', async () => {
  const minimum = field('Minimum of gate 1');
  const write = async (text: string) => {
    minimum.value = text;
    minimum.dispatchEvent(new Event('change'));
    await click(document.body);
  };
  await write('0,2');
  await write('7');
  expect(minimum.value).toBe('0.2');
  await click(button(QUEUE));
  expect(client.plans.create.mock.calls[0][0]).toHaveProperty('items.0.gates.0', {
    metric: 'valBestLift',
    minimum: 0.2,
  });
});

test('needs at least one gate, and cures or a model', async () => {
  await click(field('AMN with cures and the Gram mixture'));
  for (const model of ['LSTM', 'GRU stack', 'Transformer']) await click(field(model));
  expect(button(QUEUE).disabled).toBe(true);
  await click(field('GRU stack'));
  expect(button(QUEUE).disabled).toBe(false);
  await click(button('Remove gate 2'));
  await click(button('Remove gate 1'));
  expect(button(QUEUE).disabled).toBe(true);
});

test('names the invalid flag and stays open for a correction', async () => {
  await fill(field('With'), '--lr -1');
  expect(texts('[role="alert"]').join()).toMatch(/Learning rate must be above 0/);
  expect(button(QUEUE).disabled).toBe(true);
  await fill(field('With'), '--bogus 3');
  expect(texts('[role="alert"]').join()).toContain('--bogus');
  await fill(field('With'), '');
  expect(button(QUEUE).disabled).toBe(false);
});

test('shows why a plan was refused and stays open', async () => {
  client.plans.create.mockRejectedValue(new Error('The data set is gone.'));
  await click(button(QUEUE));
  expect(texts('[role="dialog"]')[0]).toContain('The data set is gone.');
  expect(mounted.wrapper.emitted('update:open')).toBeUndefined();
});
