/** Plan files: accepted content, errors with their place; rules of the queue. */
import { describe, expect, test } from 'vitest';
import { EXAMPLE_PLAN, recoverPlan } from '#shared/domain/plans/plan-templates.ts';
import { itemRecipe, judge, parsePlan, type PlanSpecInput, type TrainItem } from '#shared/domain/plans/plans.ts';
import { nextReady, obstacle, shownStatus, type ItemStatus } from '#shared/domain/plans/plan-queue.ts';
import type { NextvecError } from '#shared/domain/errors.ts';

function errorOf(value: unknown): NextvecError {
  try {
    parsePlan(value, 'plan.json');
  } catch (error) {
    return error as NextvecError;
  }
  throw new Error('the plan was taken');
}

function refusal(value: unknown): string {
  return errorOf(value).message;
}

const amn = { key: 'amn', kind: 'train', recipe: { epochs: 2 } } as const;
const plan = (...items: PlanSpecInput['items']): PlanSpecInput => ({ name: 'p', dataset: 'd', ood: 'o', items });

describe('a plan file', () => {
  test('is refused with the place of every invalid field', () => {
    const bad = {
      name: 'p',
      dataset: 'd',
      items: [
        { ...amn, recipe: { learningrate: 1, lambda: { infonce: 1 } } },
        { key: 'Gru!', kind: 'train', neds: ['amn'] },
        { key: 'x', kind: 'dance' },
      ],
    };
    expect(errorOf(bad)).toMatchObject({ code: 'BAD_INPUT', remedy: expect.stringContaining('--example') });
    const message = refusal(bad);
    expect(message).toContain('items[0].recipe.learningrate: there is no such field; write "lr"');
    expect(message).toContain('items[0].recipe.lambda.infonce');
    expect(message).toContain('items[1].key: a key is a word');
    expect(message).toContain('items[1]: Unrecognized key');
    expect(message).toContain('items[2].kind');
  });

  test('accepts the printed example', () => {
    const { data, ood, ...rest } = EXAMPLE_PLAN;
    const { items } = parsePlan({ ...rest, dataset: data, ood }, 'example');
    expect(items.map(({ key }) => key)).toEqual(['amn', 'gru', 'report']);
  });

  test('names unknown, repeated and cyclic keys', () => {
    expect(refusal(plan({ ...amn, needs: ['gru'] }))).toContain('items[0].needs[0]: there is no item "gru"');
    expect(refusal(plan(amn, amn))).toContain('items[1].key: "amn" is taken already');
    const circle = plan({ ...amn, needs: ['b'] }, { key: 'b', kind: 'train', like: 'amn' });
    expect(refusal(circle)).toContain('"amn" waits for itself');
    expect(refusal(plan(amn, { key: 'r', kind: 'report' }, { key: 'b', kind: 'train', like: 'r' }))).toContain(
      'items[2].like: "r" is no training run',
    );
  });

  test('refuses invalid recipe values and OOD gates without an OOD set', () => {
    expect(refusal(plan({ ...amn, recipe: { lr: -1 } }))).toContain('items[0].recipe.lr');
    const gates = [{ metric: 'oodLift', minimum: 0 }] as const;
    expect(refusal({ ...plan({ ...amn, gates: [...gates] }), ood: null })).toContain('the plan has no OOD set');
  });
});

describe('the template "recover"', () => {
  const spec = parsePlan(
    recoverPlan({
      template: 'recover',
      dataset: 'd',
      ood: 'o',
      recipe: { lr: 1e-3, skip: 'positional', start: 'least-squares', lambda: { info_nce: 0.1 } },
    }),
    '',
  );

  test('trains AMN, its cures and the mixture, then the other models, then reports', () => {
    expect(spec.items.map(({ key, needs }) => [key, needs])).toEqual([
      ['amn', []],
      ['cured', []],
      ['gram', []],
      ['lstm', ['amn']],
      ['gru', ['amn']],
      ['transformer', ['amn']],
      ['report', ['cured', 'gram']],
    ]);
    expect((spec.items[0] as TrainItem).gates).toEqual([
      { metric: 'valBestLift', minimum: 0 },
      { metric: 'oodBestLift', minimum: 0 },
    ]);
  });

  test('gives the other models the AMN recipe without AMN-only fields', () => {
    const gru = spec.items[4] as TrainItem;
    expect(itemRecipe(spec, gru)).toMatchObject({ modelType: 'gru', lr: 1e-3, skip: 'mean', start: 'random' });
    expect(itemRecipe(spec, gru).lambda).toMatchObject({ mse: 1, info_nce: 0.1 });
    const [first, ...rest] = spec.items;
    expect(itemRecipe(spec, first as TrainItem)).toMatchObject({ skip: 'positional', start: 'least-squares' });
    const fixed = { ...spec, items: [{ ...(first as TrainItem), recipe: { lr: 2e-3 } }, ...rest] };
    expect(itemRecipe(fixed, gru)).toMatchObject({ modelType: 'gru', lr: 2e-3 });
  });
});

describe('a gate', () => {
  const figures = {
    valCosine: 0.45,
    oodCosine: 0.41,
    valLift: 0.02,
    oodLift: null,
    valBestLift: 0.01,
    oodBestLift: null,
  };
  test('passes at its minimum; otherwise reports figure and minimum', () => {
    expect(judge([{ metric: 'valLift', minimum: 0.02 }], figures).passed).toBe(true);
    const { passed, messages } = judge(
      [
        { metric: 'valCosine', minimum: 0.4 },
        { metric: 'valLift', minimum: 0.03 },
      ],
      figures,
    );
    expect(passed).toBe(false);
    expect(messages[0]).toBe('validation lift over the mean of the context +0.0200, below +0.0300');
  });
  test('names a minimum of 0 without a sign', () => {
    const { messages } = judge([{ metric: 'valLift', minimum: 0 }], figures);
    expect(messages).toEqual(['validation lift over the mean of the context +0.0200, at least 0']);
  });
  test('can use the lower end of an interval', () => {
    const gate = { metric: 'valLift', bound: 'low', minimum: 0.01 } as const;
    expect(judge([gate], figures, { valLift: { low: 0.012, high: 0.03 } }).passed).toBe(true);
    expect(judge([gate], figures, { valLift: { low: 0.002, high: 0.04 } }).messages).toEqual([
      'lower end of the validation lift over the mean of the context +0.0020, below +0.0100',
    ]);
    expect(judge([gate], figures).passed).toBe(false);
  });
  test('fails on an unmeasured figure', () => {
    expect(judge([{ metric: 'oodLift', minimum: -1 }], figures)).toMatchObject({ passed: false });
  });
});

describe('the queue', () => {
  const entry = (id: number, key: string, needs: string[], status: ItemStatus = 'waiting', planId = 1) => {
    return { id, key, needs, status, planId, isHeld: false };
  };
  const any = () => true;

  test('starts the first item whose dependencies are done or skipped', () => {
    const queue = [entry(1, 'a', [], 'skipped'), entry(2, 'c', ['b']), entry(3, 'b', ['a']), entry(4, 'd', [])];
    expect(nextReady(queue, any)?.id).toBe(3);
    expect(nextReady(queue, ({ planId }) => planId !== 1)).toBeNull();
    expect(nextReady([{ ...queue[2], isHeld: true }, queue[0], queue[3]], any)?.id).toBe(4);
  });

  test('blocks all transitive dependents of a missed gate, in its own plan only', () => {
    const queue = [
      entry(1, 'a', [], 'missed'),
      entry(2, 'b', ['a']),
      entry(3, 'c', ['b']),
      entry(4, 'b', [], 'waiting', 2),
    ];
    expect(obstacle(queue[2], queue)?.id).toBe(1);
    expect(shownStatus(queue[2], queue, false)).toBe('blocked');
    expect(nextReady(queue, any)?.id).toBe(4);
  });
});
