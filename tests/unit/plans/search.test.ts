/** Parsing of axes, points of each search method, TPE against random search, successive halving step by step. */
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { proposeMember } from '#engine/search/index.ts';
import { Random } from '#engine/random.ts';
import { nextMove, type HalvingRules, type MemberProgress } from '#engine/search/halving.ts';
import { latinPoint, positionOn, randomPoint } from '#engine/search/space.ts';
import { tpePoint, type Observation } from '#engine/search/tpe.ts';
import {
  SWEEP_METHODS,
  SweepSpecSchema,
  gridPoint,
  gridSize,
  defaultMethod,
  memberCount,
  plainPoint,
  recipeAt,
  rungs,
  sweepProblems,
  winnerOf,
  valueOn,
  type Axis,
  type MemberResult,
  type SweepMethod,
} from '#shared/domain/plans/sweeps.ts';
import { formatVary, parseVary } from '#shared/domain/plans/vary.ts';
import { spread } from '#shared/domain/spread.ts';
import { PlanSpecSchema } from '#shared/domain/plans/plans.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';

const LR: Axis = { kind: 'range', path: 'lr', low: 1e-5, high: 1e-3, scale: 'log', steps: 5 };
const BATCH: Axis = { kind: 'range', path: 'batchSize', low: 8, high: 64, scale: 'linear', steps: 3 };
const SKIP: Axis = { kind: 'values', path: 'skip', values: ['mean', 'positional'] };

describe('--vary', () => {
  test('reads ranges and values for every field name', () => {
    for (const name of ['learningRate', 'lr', '--lr']) expect(parseVary(`${name}=1e-5..1e-3:log:5`)).toEqual(LR);
    expect(parseVary('batch-size=8..64')).toEqual(BATCH);
    expect(parseVary('skip=mean,positional')).toEqual(SKIP);
    for (const word of ['augment=0,isometry:0.5', 'augment.isometry=0,0.5'])
      expect(parseVary(word)).toEqual({ kind: 'values', path: 'augment.isometry', values: [0, 0.5] });
    expect(parseVary('lambda-info=0,0.1')).toMatchObject({ path: 'lambda.info_nce', values: [0, 0.1] });
    for (const axis of [LR, BATCH, SKIP]) expect(parseVary(formatVary(axis))).toEqual(axis);
  });
  test.each([
    ['lr', 'is no field'],
    ['colour=1..2', 'is no field'],
    ['lr=1e-3..1e-5', 'must be above "low"'],
    ['lr=0..1:log', 'must be above 0'],
    ['seed=1..3', 'cannot be swept'],
    ['lr=a..b', 'low'],
    ['lr=0.1', 'values'],
  ])('refuses %s', (word, why) => {
    expect(() => parseVary(word)).toThrow(why);
  });
});

test.each(['__proto__', 'constructor', 'colour', ''])(
  'an axis of a sweep with the path %j is refused by its path',
  (path) => {
    const axes = [{ kind: 'range', path, low: 0, high: 1 }];
    const issues = SweepSpecSchema.safeParse({ axes, method: 'grid' }).error?.issues;
    expect(issues).toMatchObject([{ path: ['axes', 0, 'path'], message: expect.stringContaining('cannot be swept') }]);
  },
);

test.each([-1, 1, 101, 4e9])('a grid axis of %d steps is refused before its points are counted', (steps) => {
  const axes = [{ kind: 'range', path: 'lr', low: 1e-5, high: 1e-3, steps }];
  const sweep = { axes, method: 'grid' };
  const inPlan = { name: 'p', dataset: 'd', items: [{ key: 'a', kind: 'sweep', sweep }] };
  expect(SweepSpecSchema.safeParse(sweep).error?.issues).toMatchObject([{ path: ['axes', 0, 'steps'] }]);
  expect(PlanSpecSchema.safeParse(inPlan).error?.issues).toMatchObject([
    { path: ['items', 0, 'sweep', 'axes', 0, 'steps'] },
  ]);
});

describe('values of a sweep', () => {
  const base = RecipeSchema.parse({ dataset: 'd' });
  const problems = (words: string[], method: SweepMethod) =>
    sweepProblems(base, {
      axes: words.map(parseVary),
      method,
      members: 4,
      seeds: 1,
      objective: 'valLift',
      halving: null,
    });

  test.each([
    ['lambda.mse=0..1', 'lambda.mse=0: Every loss weight λ is 0'],
    ['lr=-1..1e-3', 'lr=-1: '],
    ['lr=1e-5..1e3', 'lr=1000: '],
    ['batchSize=0..64', 'batchSize=0: '],
    ['batchSize=8.5..64', 'batchSize=8.5: '],
    ['batch-size=16,1.5', 'batchSize=1.5: '],
    ['clip=-1..1', 'clip=-1: '],
    ['modelType=amn,rnn', 'modelType=rnn: '],
  ])('%s is refused by every method, with the value at fault', (word, why) => {
    for (const method of SWEEP_METHODS) expect(problems([word], method)[0]).toContain(why);
  });

  test('a grid is refused for one point without any loss weight; other methods are not', () => {
    const words = ['lambda.mse=0..1', 'lambda.info_nce=0..1'];
    expect(problems(words, 'grid')[0]).toContain('lambda.info_nce=0, lambda.mse=0: Every loss weight');
    expect(problems(words, 'tpe')).toEqual([]);
  });

  test('at most five problems are named', () => {
    expect(problems(['batchSize=-1,-2,-3,-4,-5,-6,-7'], 'grid')).toHaveLength(5);
  });

  test('a point that makes an invalid recipe is refused with the reason', () => {
    expect(() => recipeAt(base, { lr: -1 }, 7)).toThrow(expect.objectContaining({ code: 'BAD_RECIPE' }));
    expect(() => recipeAt(base, { 'lambda.mse': 0 }, 7)).toThrow(/lambda.mse=0: Every loss weight/);
  });

  test('a repeated value is one point of the grid', () => {
    const values = (word: string) => {
      const axes = [parseVary(word)];
      return Array.from({ length: gridSize(axes) }, (_, i) => Object.values(gridPoint(axes, i))[0]);
    };
    expect(values('lr=1e-3,0.001')).toEqual([1e-3]);
    expect(values('lr=1e-3,0.001,1e-4')).toEqual([1e-3, 1e-4]);
    expect(values('batchSize=1..3:10')).toEqual([1, 2, 3]);
  });
});

test.each([
  [['lambda.mse=0.5,1'], 12, 'grid'],
  [['lr=1e-4,1e-3', 'batchSize=16,32'], 3, 'tpe'],
  [['lr=1e-4,1e-3', 'tau=0.05..0.1'], 12, 'tpe'],
])('without a method, %j with %d members is searched by %s', (axes, members, method) => {
  expect(defaultMethod(axes.map(parseVary), members)).toBe(method);
});

describe('a grid that holds the plain recipe', () => {
  const base = RecipeSchema.parse({ dataset: 'd', lr: 1e-3, batchSize: 16 });
  const spec = SweepSpecSchema.parse({
    axes: [parseVary('lr=1e-4,1e-3'), parseVary('batchSize=16,32')],
    method: 'grid',
  });

  test('has one member less, and proposes the others once each', () => {
    const plain = plainPoint(base, spec.axes);
    expect(memberCount(spec, plain)).toBe(3);
    expect(memberCount(spec, { ...plain, lr: 2e-3 })).toBe(4);
    const points = new Map([[0, plain]]);
    const rules = { members: 3, seeds: 1, rungCount: 1, eta: 2, isLearning: false };
    for (let member = 1; member <= 3; member++) points.set(member, proposeMember(spec, 7, points, [], rules));
    expect([...points.values()]).toEqual([
      { lr: 1e-3, batchSize: 16 },
      { lr: 1e-4, batchSize: 16 },
      { lr: 1e-4, batchSize: 32 },
      { lr: 1e-3, batchSize: 32 },
    ]);
  });
});

describe('points', () => {
  test('a grid has each combination once, including the ends', () => {
    const axes = [LR, BATCH, SKIP];
    const points = Array.from({ length: gridSize(axes) }, (_, i) => gridPoint(axes, i));
    expect(points).toHaveLength(30);
    expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(30);
    expect([...new Set(points.map(({ lr }) => lr))]).toEqual([1e-5, 3.16228e-5, 1e-4, 0.000316228, 1e-3]);
    expect([...new Set(points.map(({ batchSize }) => batchSize))]).toEqual([8, 36, 64]);
  });

  test('value and position are inverse; every proposed recipe is valid', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (u) => {
        expect(positionOn(LR, valueOn(LR, u))).toBeCloseTo(u, 4);
        const batch = valueOn(BATCH, u);
        expect(Number.isInteger(batch) && Number(batch) >= 8 && Number(batch) <= 64).toBe(true);
      }),
    );
    const base = RecipeSchema.parse({ dataset: 'd' });
    for (let i = 0; i < 50; i++) recipeAt(base, randomPoint([LR, BATCH, SKIP], 3, i), 7 + i);
  });

  test('other models get no AMN-only fields', () => {
    const base = RecipeSchema.parse({ dataset: 'd', skip: 'positional', start: 'least-squares' });
    expect(recipeAt(base, { modelType: 'gru' }, 1)).toMatchObject({ modelType: 'gru', skip: 'mean', start: 'random' });
    expect(recipeAt(base, { lr: 1e-3 }, 1)).toMatchObject({ skip: 'positional', start: 'least-squares', lr: 1e-3 });
  });

  test('other models keep shifted inputs and turned copies, where they train by gradient steps', () => {
    const cures = { inputs: 'relative', augment: { isometry: 0.5 } } as const;
    const base = RecipeSchema.parse({ dataset: 'd', ...cures });
    expect(recipeAt(base, { modelType: 'lstm' }, 1)).toMatchObject(cures);
    expect(recipeAt(base, { modelType: 'gram' }, 1)).toMatchObject({ inputs: 'absolute', augment: { isometry: 0 } });
  });

  test('a Latin hypercube has one point per slice of each axis', () => {
    const points = Array.from({ length: 8 }, (_, i) => latinPoint([LR, SKIP], 5, i, 8));
    const slices = points.map(({ lr }) => Math.floor((positionOn(LR, lr) ?? 0) * 8));
    expect(slices.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(points.filter(({ skip }) => skip === 'mean')).toHaveLength(4);
  });
});

/** Best value found by `members` proposals. */
function search(seed: number, members: number, value: (u: number, v: number) => number, learns: boolean): number {
  const axes = [LR, { ...LR, path: 'weightDecay' } as Axis];
  const observations: Observation[] = [];
  for (let index = 0; index < members; index++) {
    const point = learns ? tpePoint({ axes, seed, index, members, observations }) : randomPoint(axes, seed, index);
    const [u, v] = axes.map((axis) => positionOn(axis, point[axis.path]) ?? 0);
    observations.push({ point, value: value(u, v) });
  }
  return Math.max(...observations.map((one) => one.value));
}

describe('TPE', () => {
  test('beats random search with the same number of members', () => {
    const landscapes = [
      (u: number, v: number) => -((u - 0.3) ** 2 + (v - 0.7) ** 2),
      (u: number, v: number) => -(Math.abs(u - 0.9) + 0.1 * Math.abs(v - 0.2)),
      (u: number, v: number) => Math.exp(-30 * ((u - 0.6) ** 2 + (v - 0.4) ** 2)),
    ];
    for (const landscape of landscapes) {
      const mean = (learns: boolean): number => {
        const best = Array.from({ length: 60 }, (_, seed) => search(seed, 24, landscape, learns));
        return best.reduce((sum, value) => sum + value, 0) / best.length;
      };
      expect(mean(true)).toBeGreaterThan(mean(false));
    }
  });

  test('proposes the same after a restart and tolerates failed members', () => {
    const observations = Array.from({ length: 8 }, (_, i) => ({
      point: randomPoint([LR, SKIP], 1, i),
      value: i % 2 === 0 ? -Infinity : i,
    }));
    const request = { axes: [LR, SKIP], seed: 4, index: 8, members: 12, observations };
    expect(tpePoint(request)).toEqual(tpePoint(request));
    expect(Number(tpePoint(request).lr)).toBeGreaterThanOrEqual(1e-5);
  });

  test('prefers the categorical value that did well', () => {
    const observations = Array.from({ length: 16 }, (_, i) => {
      const point = randomPoint([LR, SKIP], 1, i);
      return { point, value: point.skip === 'positional' ? 1 : 0 };
    });
    const chosen = Array.from({ length: 40 }, (_, i) =>
      tpePoint({ axes: [LR, SKIP], seed: i, index: 16, members: 20, observations }),
    );
    expect(chosen.filter(({ skip }) => skip === 'positional').length).toBeGreaterThan(30);
  });
});

interface Played {
  readonly rules: HalvingRules;
  readonly valueAt: (member: number, rung: number) => number;
  /** Member whose runs fail. */
  readonly failing?: number;
  /** Runs that train at once. */
  readonly atOnce?: number;
  /** Which of the runs that train ends next; default: the first. */
  readonly pick?: (training: number) => number;
}

/** Simulates a sweep; returns the members and the runs in the order in which they ended. */
function play({ rules, valueAt, failing = -1, atOnce = 1, pick = () => 0 }: Played) {
  const all: { member: number; rung: number; values: number[][]; training: number[]; hasFailed: boolean }[] = [];
  const training: { member: number; seed: number; rung: number }[] = [];
  const trained: string[] = [];
  const end = (): void => {
    const [{ member, seed, rung }] = training.splice(pick(training.length), 1);
    all[member].training = all[member].training.filter((one) => one !== seed);
    if (member === failing) all[member].hasFailed = true;
    else {
      trained.push(`${member}.${seed}@${rung}`);
      all[member].values[seed].push(valueAt(member, rung));
    }
  };
  for (let guard = 0; guard < 10_000; guard++) {
    const move = training.length < atOnce ? nextMove(all as MemberProgress[], rules) : { kind: 'wait' as const };
    if (move.kind === 'done') return { all, trained };
    if (move.kind === 'wait') end();
    else if (move.kind === 'propose') {
      const values = Array.from({ length: rules.seeds }, () => []);
      all.push({ member: all.length, rung: 0, values, training: [], hasFailed: false });
    } else if (move.kind === 'promote') all[move.member].rung = move.rung;
    else {
      all[move.member].training.push(move.seed);
      training.push(move);
    }
  }
  throw new Error('the sweep never ended');
}

describe('successive halving', () => {
  const rules = { members: 12, seeds: 3, rungCount: 3, eta: 3, isLearning: false };

  test('promotes one in three and the plain recipe to the top, each run once', () => {
    const { all, trained } = play({ rules, valueAt: (member) => -Math.abs(member - 5) });
    const reached = (rung: number) => all.filter((one) => one.values.every((seed) => seed.length > rung)).length;
    expect(all).toHaveLength(13);
    expect(reached(0)).toBe(13);
    // The plain recipe beside a third of the twelve, and a third of those; early promotions may add one.
    expect(reached(1)).toBeGreaterThanOrEqual(5);
    expect(reached(1)).toBeLessThanOrEqual(7);
    expect(reached(2)).toBeLessThanOrEqual(4);
    expect(all[0].values.map((seed) => seed.length)).toEqual([3, 3, 3]);
    expect(all[5].values.map((seed) => seed.length)).toEqual([3, 3, 3]);
    expect(new Set(trained).size).toBe(trained.length);
  });

  test('without it, every member trains all epochs', () => {
    const { trained } = play({ rules: { ...rules, rungCount: 1 }, valueAt: () => 0 });
    expect(trained).toHaveLength(39);
  });

  test('a failed member is dropped and blocks no other', () => {
    const { all } = play({ rules, valueAt: (member) => member, failing: 12 });
    expect(all[12].rung).toBe(0);
    expect(all[11].values[0]).toHaveLength(3);
  });

  test('several runs at once, ending in any order, train exactly what one after the other does', () => {
    const seeds = fc.integer({ min: 1, max: 3 });
    const shape = fc.record({ eta: fc.integer({ min: 2, max: 4 }), seeds, rungCount: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 2, max: 9 }),
        fc.integer(),
        fc.boolean(),
        (some, atOnce, salt, isLearning) => {
          const valueAt = (member: number, rung: number) => Math.sin(salt + 7 * member + 3 * rung);
          const played = { rules: { ...rules, ...some, isLearning }, valueAt, failing: 4 };
          const random = new Random(salt);
          const together = play({ ...played, atOnce, pick: (training) => random.integer(training) });
          const alone = play(played);
          const reached = ({ all }: typeof alone) => all.map(({ rung, values }) => ({ rung, values }));
          expect(reached(together).filter((_, member) => member !== 4)).toEqual(
            reached(alone).filter((_, member) => member !== 4),
          );
        },
      ),
    );
  });

  test('a sweep that learns waits for all values before it proposes; its seeds train at once', () => {
    const learning = { ...rules, isLearning: true };
    const member = {
      member: 0,
      rung: 2,
      values: [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0],
      ],
      hasFailed: false,
    };
    expect(nextMove([{ ...member, training: [] }], learning)).toMatchObject({ kind: 'train', seed: 2 });
    expect(nextMove([{ ...member, training: [2] }], learning)).toEqual({ kind: 'wait' });
    expect(nextMove([{ ...member, training: [2] }], rules)).toEqual({ kind: 'propose' });
  });
});

describe('results', () => {
  test('the last rung has the recipe’s epochs', () => {
    expect(rungs(9, { eta: 3, firstEpochs: 1 })).toEqual([1, 3, 9]);
    expect(rungs(10, { eta: 3, firstEpochs: 2 })).toEqual([2, 6, 10]);
    expect(rungs(5, null)).toEqual([5]);
  });

  test('gives mean and spread, or null where a seed is missing', () => {
    expect(spread([1, 2, 3])).toEqual({ n: 3, mean: 2, std: 1 });
    expect(spread([4])).toEqual({ n: 1, mean: 4, std: null });
    expect(spread([1, null])).toBeNull();
  });

  test('the winner is the best of the longest trained', () => {
    const result = (member: number, epochs: number, mean: number): MemberResult => {
      const one = { n: 1, mean, std: null };
      return {
        member,
        point: {},
        epochs,
        figures: { valCosine: one, oodCosine: null, valLift: one, oodLift: null, valBestLift: null, oodBestLift: null },
      };
    };
    const members = [result(0, 9, 0.1), result(1, 3, 0.9), result(2, 9, 0.2), result(3, 0, 1)];
    expect(winnerOf(members, 'valLift')?.member).toBe(2);
    expect(winnerOf(members, 'oodLift')).toBeNull();
    expect(winnerOf([], 'valLift')).toBeNull();
  });
});
