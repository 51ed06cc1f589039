/** Parsing of sweep axes and the data of the sweep views. */
import { describe, expect, test } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { SWEPT_FIELDS, sweepProblems, type Axis } from '#shared/domain/plans/sweeps.ts';
import type { Sweep, SweepMember } from '#shared/contract/plans.ts';
import { freshAxis, readAxis, textOf } from '../../../src/renderer/features/plans/axis-fields.ts';
import { edges, heatGrid, rankPlace, viewAxes } from '../../../src/renderer/features/plans/sweep-views.ts';

const LR: Axis = { kind: 'range', path: 'lr', low: 1e-4, high: 1e-2, scale: 'log', steps: 3 };
const SKIP: Axis = { kind: 'values', path: 'skip', values: ['mean', 'positional'] };

function member(index: number, lr: number, skip: string, lift: number | null): SweepMember {
  const one = lift === null ? null : { n: 1, mean: lift, std: null };
  return {
    member: index,
    point: { lr, skip },
    state: 'finished',
    epochs: lift === null ? 0 : 3,
    figures: { valCosine: null, oodCosine: null, valLift: one, oodLift: null, valBestLift: null, oodBestLift: null },
    intervals: {},
    runs: [],
  };
}

const sweep: Sweep = {
  itemId: 1,
  spec: { axes: [LR, SKIP], method: 'tpe', members: 3, seeds: 1, objective: 'valLift', halving: null },
  rungs: [3],
  memberCount: 3,
  members: [
    member(0, 5e-4, 'mean', -0.1),
    member(1, 1e-4, 'positional', 0.02),
    member(2, 1e-3, 'mean', -0.05),
    member(3, 2e-3, 'mean', null),
  ],
  winner: 1,
  indistinguishable: [],
  gainIntervals: { validation: null, ood: null },
  recipe: RecipeSchema.parse({ dataset: 'd' }),
  commandLine: '',
};

describe('axis text', () => {
  test('every sweepable field has a valid default axis that survives a text round trip', () => {
    for (const { path } of SWEPT_FIELDS) {
      const axis = freshAxis(path);
      expect(readAxis(path, textOf(axis))).toEqual({ axis, problem: null });
      expect(
        sweepProblems(RecipeSchema.parse({ dataset: 'd', ood: 'o' }), { ...sweep.spec, axes: [axis], method: 'grid' }),
      ).toEqual([]);
    }
    expect(freshAxis('lr')).toMatchObject({ scale: 'log' });
  });

  test('gives the error', () => {
    const text = textOf(LR);
    expect(readAxis('lr', { ...text, high: '' }).problem).toContain('Learning rate, high');
    expect(readAxis('lr', { ...text, low: '1' }).problem).toContain('must be above "low"');
    expect(readAxis('skip', { ...textOf(SKIP), values: 'mean, sideways' }).problem).toContain('not "sideways"');
    expect(readAxis('lr', { ...text, low: '0,0001' }).axis).toEqual(LR);
  });
});

describe('the views', () => {
  test('place members on the axis scale and omit unmeasured ones', () => {
    const [lr, skip, lift] = viewAxes(sweep);
    expect(sweep.members.map((one) => lr.place(one)?.toFixed(3))).toEqual(['0.349', '0.000', '0.500', '0.651']);
    expect(skip.place(sweep.members[1])).toBe(1);
    expect(sweep.members.map((one) => lift.place(one))).toEqual([0, 1, expect.closeTo(5 / 12), null]);
    expect(rankPlace(3, [3, 3])).toBe(0.5);
  });

  test('a cell shows its best member, without the plain recipe', () => {
    const { cells, columns, rows } = heatGrid(sweep, LR, SKIP, 'valLift');
    expect([columns.length, rows]).toEqual([4, ['mean', 'positional']]);
    const filled = cells.filter(({ members }) => members.length > 0);
    expect(filled).toEqual([
      { x: 2, y: 0, value: -0.05, members: [2, 3] },
      { x: 0, y: 1, value: 0.02, members: [1] },
    ]);
  });

  test('reports a winner at the end of a range', () => {
    expect(edges(sweep)).toEqual(['Learning rate (0.0001)']);
    expect(edges({ ...sweep, winner: 2 })).toEqual([]);
    expect(edges({ ...sweep, winner: 0 })).toEqual([]);
  });
});
