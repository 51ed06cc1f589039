/** The list from which the runs of a comparison are picked. */
import { expect, test } from 'vitest';
import RunPicker from '../../src/renderer/parts/RunPicker.vue';
import { best, run } from './support/fixtures.ts';
import { click, field, fill, hasField, mountPage, texts } from './support/page.ts';
import { history } from './support/rpc.ts';

const names = () => texts('li .name');

test('lists the newest run first, with its best validation cosine', async () => {
  history.runs = [run(1, { best: best(0.4213) }), run(2)];
  await mountPage(RunPicker, { modelValue: ['run-1'] });
  expect(texts('li label')).toEqual([
    expect.stringContaining('#2 night 2'),
    expect.stringMatching(/#1 night 1.*0\.4213/),
  ]);
  const boxes = [...document.querySelectorAll<HTMLInputElement>('li input')];
  expect(boxes.map(({ checked }) => checked)).toEqual([false, true]);
});

test('appends a run and removes one', async () => {
  history.runs = [run(1), run(2)];
  const { wrapper } = await mountPage(RunPicker, { modelValue: ['run-1'] });
  const boxes = document.querySelectorAll<HTMLInputElement>('li input');
  await click(boxes[0]);
  await click(boxes[1]);
  expect(wrapper.emitted('update:modelValue')).toEqual([[['run-1', 'run-2']], [['run-2']]]);
});

test('filters a long list by number, name and tag', async () => {
  history.runs = Array.from({ length: 10 }, (_, i) => run(i + 1, { tags: i === 4 ? ['baseline'] : [] }));
  await mountPage(RunPicker, { modelValue: [] });
  await fill(field('Filter runs'), '#10');
  expect(names()).toEqual(['#10 night 10']);
  await fill(field('Filter runs'), 'BASE');
  expect(names()).toEqual(['#5 night 5']);
  await fill(field('Filter runs'), 'no such run');
  expect(texts('p')).toEqual(['No run matches.']);
});

test('a short list has no filter', async () => {
  history.runs = [run(1)];
  await mountPage(RunPicker, { modelValue: [] });
  expect(hasField('Filter runs')).toBe(false);
});
