/** The New run form. */
import { beforeEach, expect, test } from 'vitest';
import type { Preflight } from '#shared/contract/runs.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import NewRunPage from '../../src/renderer/features/new-run/NewRunPage.vue';
import { dataset, run } from './support/fixtures.ts';
import { button, change, click, field, fill, hasField, mountPage, texts } from './support/page.ts';
import { client, history } from './support/rpc.ts';

beforeEach(() => {
  history.datasets = [dataset('docs'), dataset('manual-ood'), dataset('wide-ood', { D: 128 })];
  history.runs = [];
  // No answer: the panel beside the form is not under test.
  client.runs.preflight.mockReturnValue(new Promise(() => undefined));
  client.runs.start.mockResolvedValue({ runId: 'run-9' });
});

async function open(path = '/new-run') {
  const mounted = await mountPage(NewRunPage, {}, path);
  // Lists arrive after the form is mounted.
  await expect.poll(() => hasField('Name') && field('Data set').value).toBe('docs');
  return mounted;
}

const startButton = () => {
  const found = [...document.querySelectorAll('button')].find((element) => element.textContent.includes('Start run'));
  if (!found) throw new Error('There is no button "Start run".');
  return found;
};

/** Help and range beside a field. */
function noteOf(label: string): string {
  return document.getElementById(field(label).getAttribute('aria-describedby') ?? '')?.textContent ?? '';
}

const preflight: Preflight = {
  trainRows: 900,
  valRows: 100,
  oodRows: null,
  stepsPerEpoch: 29,
  parameters: 1e6,
  expectedMs: null,
  expectedFrom: 'No run like it yet.',
  memoryBytes: 1e8,
  device: null,
  splitProof: {
    trainWindows: 900,
    valWindows: 100,
    trainArticles: 9,
    valArticles: 1,
    sharedArticles: 0,
    sharedVectors: 0,
    oodSharedVectors: null,
    ok: true,
    warnings: [],
  },
  lint: [],
  commandLine: 'nextvec train --data docs',
  infoNceChance: 6.93,
  firstBatches: null,
};

/** What the panel shows of a passport. */
const passport = {
  T: 5,
  history: null,
  coherence: { mean: 0.5 },
  positionToTarget: [0.4],
  articles: 10,
} as unknown as Passport;

test('a new run like another has its recipe, with the learning rate selected', async () => {
  history.runs = [run(1, { recipe: { lr: 3e-3 } })];
  await open('/new-run?like=run-1');
  expect(field('Learning rate').value).toBe('3e-3');
  await expect.poll(() => document.activeElement).toBe(field('Learning rate'));
});

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

test('starts the run with the entered values', async () => {
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
    on: null,
  });
  await expect.poll(() => router.currentRoute.value.params.id).toBe('run-9');
});

test('shows an error beside an invalid field and does not start', async () => {
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

const presets = () => texts('.preset .name');

test('a cosine schedule has its own numbers and starts; a warm-up as long as the run is refused', async () => {
  await open();
  await fill(field('Schedule'), 'cosine');
  expect(hasField('Factor')).toBe(false);
  await change(field('Warm-up'), '20');
  expect(texts('.problem').join()).toContain('The warm-up of 20 epochs leaves none of the 20 epochs for the cosine.');
  expect(startButton().disabled).toBe(true);
  await change(field('Warm-up'), '2');
  await fill(field('Early stopping'), 'validation');
  await click(startButton());
  expect(client.runs.start.mock.calls[0][0]).toMatchObject({
    recipe: { schedule: { kind: 'cosine', warmUp: 2, floor: 0 }, earlyStopping: { on: 'validation', patience: 5 } },
  });
});

test('opens the folded losses when a preset sets one', async () => {
  await open();
  expect(hasField('λ cosine')).toBe(false);
  const cured = presets().indexOf('AMN with cures');
  await click(document.querySelectorAll<HTMLElement>('.preset')[cured]);
  expect(field('λ cosine').value).toBe('1');
});

test('shows only the fields of a Gram mixture, with the values of its preset', async () => {
  await open();
  await fill(field('Epochs'), '7');
  expect(presets()).toContain('Balanced…');
  await fill(field('Model'), 'gram');
  for (const foreign of ['λ MSE', 'τ', 'Skip path', 'Start', 'Schedule', 'Factor'])
    expect(hasField(foreign)).toBe(false);
  expect(texts('.section h2, .folded .title')).not.toContain('More losses');
  expect(presets()).toContain('Robust (Gram mixture)');
  expect(presets()).not.toContain('Balanced…');
  expect(field('Neighbours').value).toBe('on');
  const numbers = ['Epochs', 'Batch size', 'Learning rate'].map((label) => [field(label).value, noteOf(label)]);
  expect(numbers).toEqual([
    ['12', expect.stringMatching(/Of the gate networks.*Default 12/is)],
    ['1024', expect.stringMatching(/Of the gate networks.*default 1024/is)],
    ['5e-3', expect.stringMatching(/Of the gate networks.*default 5e-3/is)],
  ]);
  await fill(field('Neighbours'), 'off');
  await click(startButton());
  expect(client.runs.start.mock.calls[0][0]).toMatchObject({
    recipe: { modelType: 'gram', dataset: 'docs', ood: 'manual-ood', gram: { neighbours: 'off', filters: 'on' } },
  });
});

test.each(['lstm', 'amn'])('switching from a Gram mixture to %s restores the defaults', async (model) => {
  await open();
  await fill(field('Model'), 'gram');
  await fill(field('Model'), model);
  expect(['Epochs', 'Batch size', 'Learning rate'].map((label) => field(label).value)).toEqual(['20', '32', '5e-4']);
  expect(noteOf('Learning rate')).toContain('default 5e-4');
  expect(hasField('Neighbours')).toBe(false);
  await click(startButton());
  expect(client.runs.start.mock.calls[0][0]).toMatchObject({
    recipe: { modelType: model, inputs: 'absolute', lambda: { mse: 1, cosine: 0 } },
  });
});

test('reports no error for a field that the chosen model does not have', async () => {
  await open();
  await fill(field('τ'), 'warm');
  expect(startButton().disabled).toBe(true);
  await fill(field('Model'), 'gram');
  expect(startButton().disabled).toBe(false);
});

test('omits batch and loss estimates for a Gram mixture, which has no training steps', async () => {
  history.datasets = [dataset('docs', { passport })];
  client.runs.preflight.mockResolvedValue(preflight);
  await open();
  await expect.poll(() => texts('.preflight').join()).toContain('First batches');
  expect(texts('.preflight').join()).toMatch(/an epoch.*InfoNCE of a model that knows nothing/);
  await fill(field('Model'), 'gram');
  expect(texts('.preflight').join()).not.toMatch(/an epoch|InfoNCE|First batches/);
  expect(texts('.preflight').join()).toContain('Memory');
  expect(texts('.preflight').join()).not.toContain('On GPU');
});

test.each([
  ['beside the vectors', { keepsData: true, memoryBytes: 12e9 }, '1.50 GBof 12.0 GB'],
  ['alone where the vectors are uploaded', { keepsData: false, memoryBytes: 12e9 }, '1.00 GBof 12.0 GB'],
  ['on a GPU of unknown size', { keepsData: null, memoryBytes: null }, '1.50 GBits size is not known'],
])('preflight shows the GPU memory of the model %s', async (_, { keepsData, memoryBytes }, shown) => {
  const adapter = {
    vendor: 'apple',
    architecture: 'metal-3',
    device: 'Apple M1',
    description: 'Metal driver on macOS 15',
    isSoftware: false,
    maxBindingBytes: 4e9,
    maxBufferBytes: 4e9,
    memoryBytes,
  };
  const device = { adapter, modelBytes: 1e9, dataBytes: 5e8, keepsData, refusal: '' };
  history.datasets = [dataset('docs', { passport })];
  client.runs.preflight.mockResolvedValue({ ...preflight, device });
  await open();
  await expect.poll(() => texts('.preflight .figure').join()).toContain(`On GPU${shown}`);
});

test('takes the recipe of a run and shows what differs from it', async () => {
  history.runs = [run(3, { recipe: { epochs: 12 } })];
  await open('/new-run?like=run-3');
  expect(field('Epochs').value).toBe('12');
  await fill(field('Epochs'), '20');
  expect(texts('.was')).toContain('#3: 12');
});

test('a dialog opens with the focus in its first field and gives it back when it closes', async () => {
  await open();
  const opener = button('Paste a command line');
  opener.focus();
  await click(opener);
  await expect.poll(() => document.activeElement?.tagName).toBe('TEXTAREA');
  await click(button('Cancel'));
  await expect.poll(() => document.activeElement).toBe(opener);
});
