/** The series store against brute force: chunks, pyramid, attempts, windows of steps; and a million steps at once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openDatabase, type Db } from '../../../src/main/store/database.ts';
import { beginAttempt, endAttempts } from '../../../src/main/store/history.ts';
import { insertDataset } from '../../../src/main/store/datasets.ts';
import { insertRun } from '../../../src/main/store/runs.ts';
import { readSeries } from '../../../src/main/store/series.ts';
import { appendSteps } from '../../../src/main/store/series-writer.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import { Random } from '#engine/random.ts';
import { passport } from './passport.ts';

const RUN = 'run';

function openStore(): Db {
  const db = openDatabase(':memory:');
  insertDataset(db, {
    id: 'data',
    name: 'data',
    sourcePath: '/data.npz',
    isSample: false,
    importedAt: 0,
    storedBytes: 0,
    passport,
    options: { dtype: null, crossArticles: false },
  });
  insertRun(db, {
    id: RUN,
    name: null,
    recipe: RecipeSchema.parse({ dataset: 'data' }),
    datasetName: 'data',
    oodName: null,
    tags: [],
    appVersion: '0',
    createdAt: 0,
  });
  return db;
}

/** Columns 0 and 1 carry `values`; the others are unmeasured. */
function block(firstStep: number, values: Float32Array<ArrayBuffer>): StepBlock {
  const nothing = new Float32Array(values.length).fill(Number.NaN);
  const columns = Object.fromEntries(STEP_COLUMNS.map((name, c) => [name, c < 2 ? values : nothing])) as Record<
    StepColumn,
    Float32Array<ArrayBuffer>
  >;
  return {
    type: 'steps',
    epoch: 1,
    firstStep,
    count: values.length,
    columns,
    rowsPerSecond: 1,
    rowsDone: 0,
    rowsInEpoch: 1,
  };
}

interface Attempt {
  readonly firstStep: number;
  readonly flushes: readonly number[];
  readonly ends: boolean;
}

function noise(length: number, random: Random): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => (random.uniform() < 0.05 ? Number.NaN : random.normal()));
}

/** Writes attempts; returns the expected value of each step, by its number. */
function write(db: Db, attempts: readonly Attempt[], seed: number): number[] {
  const random = new Random(seed);
  const expected: number[] = [];
  for (const { firstStep, flushes, ends } of attempts) {
    const attempt = beginAttempt(db, RUN, firstStep, null, 0);
    let step = firstStep;
    for (const length of flushes) {
      const values = noise(length, random);
      db.transaction(() => appendSteps(db, { runId: RUN, attempt }, [block(step, values)]))();
      for (let i = 0; i < length; i++) expected[step + i] = values[i];
      step += length;
    }
    if (ends) endAttempts(db, RUN, 1);
  }
  return expected;
}

/** Each attempt begins at most one step after the furthest step so far. */
const history = fc
  .array(
    fc.record({
      back: fc.double({ min: 0, max: 1, noNaN: true }),
      flushes: fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((lives) => {
    const attempts: Attempt[] = [];
    let furthest = 0;
    lives.forEach(({ back, flushes }, i) => {
      const firstStep = i === 0 ? 1 : 1 + Math.floor(back * furthest);
      attempts.push({ firstStep, flushes, ends: i < lives.length - 1 });
      furthest = Math.max(furthest, firstStep - 1 + flushes.reduce((a, b) => a + b, 0));
    });
    return { attempts, furthest };
  });

describe('readSeries', () => {
  test('gives min, max and mean of the newest value of every step at any resolution', () => {
    const window = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(
        history,
        window,
        fc.integer({ min: 2, max: 300 }),
        fc.nat(),
        ({ attempts, furthest }, w, maxPoints, seed) => {
          const db = openStore();
          const values = write(db, attempts, seed);
          const [a, b] = w.map((x) => 1 + Math.floor(x * (furthest - 1))).toSorted((x, y) => x - y);
          const series = readSeries(db, { runId: RUN, columns: ['total'], fromStep: a, toStep: b, maxPoints });
          const width = series.stepsPerPoint;
          expect(Object.keys(series.min)).toEqual(width === 1 ? [] : ['total']);
          const { min, max } = width === 1 ? { min: series.mean, max: series.mean } : series;
          expect(series.step.length).toBeLessThanOrEqual(maxPoints + 1);
          expect(series.step[0]).toBe(a);
          series.step.forEach((step, i) => {
            const next = Math.min(i + 1 < series.step.length ? series.step[i + 1] : b + 1, b + 1);
            expect(next - step).toBeLessThanOrEqual(width);
            const measured: number[] = [];
            for (let s = step; s < next; s++) {
              const value = values[s];
              if (value !== undefined && !Number.isNaN(value)) measured.push(value);
            }
            const none = measured.length === 0;
            const mean = measured.reduce((x, y) => x + y, 0) / measured.length;
            expect(min.total[i]).toBe(none ? Number.NaN : Math.min(...measured));
            expect(max.total[i]).toBe(none ? Number.NaN : Math.max(...measured));
            expect(Number.isNaN(series.mean.total[i])).toBe(none);
            expect(none ? 0 : Math.abs(series.mean.total[i] - mean)).toBeLessThan(1e-5);
          });
          db.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test('an unmeasured column is NaN; an unknown run is empty', () => {
    const db = openStore();
    write(db, [{ firstStep: 1, flushes: [5000], ends: false }], 1);
    const series = readSeries(db, { runId: RUN, columns: ['lr'], fromStep: null, toStep: null, maxPoints: 100 });
    expect(Array.from(series.max.lr).every(Number.isNaN)).toBe(true);
    const nothing = readSeries(db, { runId: 'no', columns: ['lr'], fromStep: null, toStep: null, maxPoints: 100 });
    expect(nothing.step).toHaveLength(0);
    db.close();
  });

  test('refuses a block that does not continue its attempt', () => {
    const db = openStore();
    write(db, [{ firstStep: 1, flushes: [10], ends: false }], 1);
    const late = () =>
      db.transaction(() => appendSteps(db, { runId: RUN, attempt: 1 }, [block(12, noise(3, new Random(1)))]))();
    expect(late).toThrow('do not continue');
    const series = readSeries(db, { runId: RUN, columns: ['total'], fromStep: null, toStep: null, maxPoints: 100 });
    expect(series.step).toHaveLength(10);
    db.close();
  });

  test('reads a million steps of twelve series, whole and zoomed, in at most maxPoints points', () => {
    const db = openStore();
    const attempt = beginAttempt(db, RUN, 1, null, 0);
    const random = new Random(1);
    const STEPS = 1_000_000;
    const FLUSH = 16_384;
    db.transaction(() => {
      for (let first = 0; first < STEPS; first += FLUSH) {
        const values = noise(Math.min(FLUSH, STEPS - first), random);
        appendSteps(db, { runId: RUN, attempt }, [block(first + 1, values)]);
      }
    })();
    const columns = STEP_COLUMNS.slice(0, 12);
    const whole = { runId: RUN, columns, fromStep: null, toStep: null, maxPoints: 2000 };
    for (const view of [whole, { ...whole, fromStep: 412_345, toStep: 498_765 }]) {
      const { step } = readSeries(db, view);
      expect(step.length).toBeGreaterThan(700);
      expect(step.length).toBeLessThanOrEqual(2000);
    }
    db.close();
  });
});
