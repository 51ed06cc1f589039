/** Names that other programs give to curves, and the place that each has here. */
import { describe, expect, test } from 'vitest';
import { counterOf, placeOf } from '../../../../src/main/runs/histories/names.ts';

const BOTH = { train_loss: ['trainLoss', 'total'], train_cosine: ['trainCosine', 'cosine'], lr: ['lr', 'lr'] } as const;

describe('has a place as a figure of epochs and a column of steps', () => {
  test.each([
    ...['train_loss', 'train_losses', 'loss', 'Loss/train', 'train/loss', 'trainLoss', 'training/total_loss'].map(
      (name) => [name, BOTH.train_loss] as const,
    ),
    ...['train_cosine', 'train_cos', 'train_cosine_sim', 'train_cosine_similarity', 'cosine/train'].map(
      (name) => [name, BOTH.train_cosine] as const,
    ),
    ...['lr', 'lrs', 'learning_rate', 'learning_rates', 'train/lr', 'lr-AdamW'].map((name) => [name, BOTH.lr] as const),
    ['grad_norm', ['gradNorm', 'gradNorm']],
    ['train/mse', ['value/mse', 'value/mse']],
    ['InfoNCE_loss', ['value/info_nce', 'value/info_nce']],
    ['loss/anti_copy', ['value/anti_copy', 'value/anti_copy']],
  ] as const)('%s', (name, [figure, column]) => {
    expect(placeOf(name)).toEqual({ figure, column, scale: 1 });
  });
});

test.each([
  ['valid_loss', 'valLoss'],
  ['eval_loss', 'valLoss'],
  ['validation/epoch_loss', 'valLoss'],
  ['val_cosines', 'valCosine'],
  ['val/cosine', 'valCosine'],
  ['validation_cosine_similarity', 'valCosine'],
  ['epoch/valCosine', 'valCosine'],
  ['ood/cos_sim', 'oodCosine'],
  ['out_of_distribution_loss', 'oodLoss'],
  ['samples_per_second', 'rowsPerSecond'],
  ['val_diversity', 'diversity'],
  ['effective_rank', 'effectiveRank'],
  ['duration_ms', 'durationMs'],
])('%s is a figure of epochs', (name, figure) => {
  expect(placeOf(name)).toEqual({ figure, column: null, scale: 1 });
});

test.each(['epoch_time', 'epoch_times', 'epoch_seconds', 'duration_s'])('%s is in seconds', (name) => {
  expect(placeOf(name)).toEqual({ figure: 'durationMs', column: null, scale: 1000 });
});

test('a name with step or epoch is of that axis alone', () => {
  expect(placeOf('train_loss_step')).toEqual({ figure: null, column: 'total', scale: 1 });
  expect(placeOf('train_loss_epoch')).toEqual({ figure: 'trainLoss', column: null, scale: 1 });
  expect(placeOf('step/gradShare/mse')).toEqual({ figure: null, column: 'gradShare/mse', scale: 1 });
});

test.each(['', 'cosine', 'val_mse', 'best_val_loss', 'test_loss', 'accuracy', 'time', 'constructor', '__proto__'])(
  '"%s" has no place',
  (name) => {
    expect(placeOf(name)).toBeNull();
  },
);

test('counters of steps and epochs', () => {
  expect(['epoch', 'Epochs', 'trainer/epoch'].map(counterOf)).toEqual(['epoch', 'epoch', 'epoch']);
  expect(['step', 'global_step', 'trainer/global_step', 'iter'].map(counterOf)).toEqual(Array(4).fill('step'));
  expect(['epoch_time', 'loss', 'step_size'].map(counterOf)).toEqual([null, null, null]);
});
