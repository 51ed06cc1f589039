/** The tour's plan, and its set of another encoder. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isTour, tourPlan } from '#shared/domain/plans/plan-templates.ts';
import { itemRecipe, parsePlan, type TrainItem } from '#shared/domain/plans/plans.ts';
import { testHome } from '../../support/nextvec.ts';

const recipeOf = (spec: ReturnType<typeof parsePlan>, key: string) =>
  itemRecipe(spec, spec.items.find((item) => item.key === key) as TrainItem);

test('the plan trains MSE only, 0.5/0.5, a leaking split and the Gram mixture, in steps where asked', () => {
  const input = { template: 'tour', dataset: 'd', ood: 'o' } as const;
  const spec = parsePlan(tourPlan(input, true), null);
  expect(isTour(spec.items)).toBe(true);
  expect(spec.items.map(({ key, held }) => `${key} ${held}`)).toEqual([
    'mse false',
    'proposed true',
    'leaking true',
    'robust true',
    'report true',
  ]);
  expect(recipeOf(spec, 'mse')).toMatchObject({ modelType: 'amn', lambda: { mse: 1, info_nce: 0 }, ood: 'o' });
  expect(recipeOf(spec, 'proposed')).toMatchObject({ lambda: { mse: 0.5, info_nce: 0.5 }, split: { kind: 'article' } });
  expect(recipeOf(spec, 'leaking')).toMatchObject({ lambda: { mse: 1, info_nce: 0 }, split: { kind: 'random' } });
  expect(recipeOf(spec, 'robust')).toMatchObject({ modelType: 'gram', ood: 'o' });
  expect(parsePlan(tourPlan(input), null).items.some(({ held }) => held)).toBe(false);
});

test('items of a plan may wait to be resumed; the turned sample looks the same and is of another space', async () => {
  // Speeches would take seconds: the novel stands in for both.
  const home = await testHome();
  onTestFinished(() => home.dispose());
  mkdirSync(join(home.path, 'sample'));
  for (const part of ['train', 'ood'])
    copyFileSync('resources/sample/sample-ood.npz', join(home.path, 'sample', `sample-${part}.npz`));
  const { client } = await home.open({ resourcesDir: home.path });
  const { train, ood } = await client.datasets.importSample();
  const plan = await client.plans.create(tourPlan({ template: 'tour', dataset: train.id, ood: ood.id }, true));
  expect(plan.items.map(({ status }) => status)).toEqual(['waiting', 'held', 'held', 'held', 'held']);

  const turned = await client.datasets.importTurnedSample();
  expect((await client.datasets.importTurnedSample()).id).toBe(turned.id);
  expect(turned).toMatchObject({ windows: ood.windows, D: ood.D });
  expect(turned.passport.coherence.mean).toBeCloseTo(ood.passport.coherence.mean!, 6);
  expect((await client.evaluation.compareData({ a: ood.id, b: turned.id })).verdict).toBe('different');
});
