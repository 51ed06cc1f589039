/** The dialog for a sweep. */
import { beforeEach, expect, test } from 'vitest';
import NewSweepDialog from '../../src/renderer/features/plans/NewSweepDialog.vue';
import { dataset } from './support/fixtures.ts';
import { button, click, field, fill, hasField, mountDialog, texts } from './support/page.ts';
import { client, history } from './support/rpc.ts';

const QUEUE = 'Put it into the queue';

beforeEach(async () => {
  history.datasets = [dataset('docs'), dataset('manual-ood')];
  history.runs = [];
  client.plans.create.mockResolvedValue(undefined);
  await mountDialog(NewSweepDialog);
});

test('queues a sweep over the learning rate by default', async () => {
  await click(button(QUEUE));
  expect(client.plans.create.mock.calls[0][0]).toMatchObject({
    name: 'Sweep over Learning rate',
    dataset: 'docs',
    ood: 'manual-ood',
    items: [
      {
        key: 'sweep',
        kind: 'sweep',
        sweep: {
          axes: [{ kind: 'range', path: 'lr', scale: 'log' }],
          method: 'tpe',
          members: 12,
          seeds: 3,
          objective: 'valLift',
          halving: { eta: 3, firstEpochs: 1 },
        },
      },
    ],
  });
});

test('the number of members of a grid follows from its axes', async () => {
  await fill(field('Learning rate from'), '1e-4');
  await fill(field('Learning rate to'), '1e-2');
  await click(field('Grid'));
  expect(hasField('Members')).toBe(false);
  await fill(field('Grid points of Learning rate'), '4');
  await click(button('Vary another field'));
  await fill(field('Grid points of Weight decay'), '2');
  await fill(field('Seeds each'), '2');
  expect(texts('.note').join(' ')).toContain('18 runs: 8 members and the plain recipe, each with 2 seeds');
  await click(button(QUEUE));
  expect(client.plans.create.mock.calls[0][0]).toHaveProperty('items.0.sweep.members', 8);
});

test('says what is wrong with an axis and does not queue it', async () => {
  await fill(field('Learning rate from'), 'small');
  expect(texts('[role="alert"]').join()).toMatch(/^Learning rate/);
  expect(button(QUEUE).disabled).toBe(true);
});

test('axes can be added and removed, except the last one', async () => {
  expect(document.querySelector('[aria-label="Do not vary Learning rate"]')).toBeNull();
  await click(button('Vary another field'));
  await click(button('Do not vary Learning rate'));
  await fill(field<HTMLSelectElement>('Field'), 'modelType');
  await fill(field('Values of Model'), 'amn, gru');
  await click(button(QUEUE));
  expect(client.plans.create.mock.calls[0][0]).toHaveProperty('items.0.sweep.axes', [
    { kind: 'values', path: 'modelType', values: ['amn', 'gru'] },
  ]);
});

test('offers only fields of the model, and models trained by gradient steps', async () => {
  const offered = () => [...field<HTMLSelectElement>('Field').options].map(({ value }) => value);
  expect(offered()).toEqual(expect.arrayContaining(['lambda.mse', 'modelType']));
  expect(offered()).not.toContain('gram.neighbours');
  await fill(field<HTMLSelectElement>('Field'), 'modelType');
  expect(field('Values of Model').value).toBe('amn, lstm, gru, transformer');
  await fill(field('With'), '--model-type gram --lr 5e-3 --batch-size 1024');
  expect(offered()).toEqual(['batchSize', 'lr', 'weightDecay', 'gram.neighbours', 'gram.filters', 'gram.turned']);
  await fill(field<HTMLSelectElement>('Field'), 'gram.neighbours');
  await fill(field('With'), '--model-type gram --lr');
  expect(button(QUEUE).disabled).toBe(true);
  await fill(field('With'), '--model-type gram --lr 5e-3');
  await click(button(QUEUE));
  expect(client.plans.create.mock.calls[0][0]).toHaveProperty('items.0.sweep.axes', [
    { kind: 'values', path: 'gram.neighbours', values: ['on', 'off'] },
  ]);
});

test('warns that a set used for selection is no longer held out', async () => {
  const warned = () => texts('.note.warn');
  expect(warned()).toEqual([]);
  await fill(field('Best by'), 'oodLift');
  expect(warned().join()).toContain('no longer held out');
});

test('runs every member to its end when halving is off', async () => {
  await click(field('End hopeless members early'));
  expect(hasField('first look after epoch')).toBe(false);
  await click(button(QUEUE));
  expect(client.plans.create.mock.calls[0][0]).toHaveProperty('items.0.sweep.halving', null);
});
