/** Pasted command lines: those that no recipe can have are refused with the field at fault. */
import { expect, it } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { readCommandLine } from '../../../src/main/runs/recipe-import.ts';

const base = RecipeSchema.parse({ dataset: 'd' });

it.each([
  ['--lr 1e9', 'lr'],
  ['--sizes dModel', 'dModel'],
  ['--schedule sometimes', 'schedule.kind'],
  ['--schedule plateau:2', 'schedule.factor'],
  ['--gate 0:valLift:0:stop', 'epoch'],
])('%s names %s', (flags, place) => {
  expect(() => readCommandLine(`train.py ${flags}`, base)).toThrow(
    expect.objectContaining({ code: 'BAD_RECIPE', details: { place } }),
  );
});

it('early stopping on the OOD set is read where the command line names one, and refused where nothing does', () => {
  const read = readCommandLine('nextvec train --ood novel.npz --early-stopping ood', base);
  expect(read.recipe).toMatchObject({ ood: null, earlyStopping: { on: 'ood' } });
  expect(read.notes).toEqual(['--ood novel.npz: choose the OOD set in the form.']);
  expect(() => readCommandLine('nextvec train --early-stopping ood', base)).toThrow('there is none');
});

it('an unknown schedule is refused with the known ones', () => {
  expect(() => readCommandLine('train.py --schedule cosin', base)).toThrow('plateau, constant and cosine');
});
