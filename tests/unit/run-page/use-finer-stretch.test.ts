/** Fetching finer series for a zoomed view: columns, order, late answers. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { effectScope, shallowRef, type EffectScope } from 'vue';
import { STEP_COLUMNS, type StepColumn } from '#shared/domain/runs/training.ts';
import type { Series } from '#shared/contract/runs.ts';
import { createChartGroup } from '../../../src/renderer/charts/chart-group.ts';
import { SeriesBuffer } from '../../../src/renderer/charts/data/series-buffer.ts';
import { useFinerStretch } from '../../../src/renderer/features/run/curves/use-finer-stretch.ts';

const STEPS = 1_000_000;
const OVERVIEW = 1000;

/** A series as main returns it. */
function seriesOf(columns: readonly StepColumn[], fromStep: number, toStep: number, maxPoints: number): Series {
  const stepsPerPoint = Math.max(1, Math.ceil((toStep - fromStep + 1) / maxPoints));
  const n = Math.ceil((toStep - fromStep + 1) / stepsPerPoint);
  const step = Float64Array.from({ length: n }, (_, i) => fromStep + i * stepsPerPoint);
  const values = () => Object.fromEntries(columns.map((column) => [column, new Float32Array(n)]));
  return { stepsPerPoint, step, min: values(), max: values(), mean: values() };
}

let scope: EffectScope;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => setTimeout(() => callback(0), 16));
  scope = effectScope();
});
afterEach(() => {
  scope.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function setUp(answer = async (series: Series) => series) {
  const buffer = new SeriesBuffer(STEP_COLUMNS);
  buffer.seed(seriesOf(STEP_COLUMNS, 0, STEPS - 1, OVERVIEW), STEPS - 1);
  const group = createChartGroup();
  group.setExtent({ min: 0, max: STEPS });
  const asked: { columns: StepColumn[]; from: number; to: number; atMs: number }[] = [];
  const error = shallowRef<unknown>(null);
  const finer = scope.run(() =>
    useFinerStretch(
      buffer,
      group,
      (columns, from, to, maxPoints) => {
        asked.push({ columns, from, to, atMs: Date.now() });
        return answer(seriesOf(columns, from, to, maxPoints));
      },
      error,
    ),
  );
  if (!finer) throw new Error('the scope has ended');
  return { group, asked, error, finer };
}

const settle = () => vi.advanceTimersByTimeAsync(2000);

describe('a finer stretch', () => {
  test('is fetched once the view rests: every column once, a few per frame, with a panning margin', async () => {
    const { group, asked, finer } = setUp();
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    expect(asked.flatMap(({ columns }) => columns).toSorted()).toEqual([...STEP_COLUMNS].toSorted());
    for (const { columns, from, to } of asked) {
      expect(columns.length).toBeLessThanOrEqual(2);
      expect([from, to]).toEqual([399_000, 403_000]);
    }
    const times = asked.map(({ atMs }) => atMs);
    expect(new Set(times).size).toBe(times.length);
    for (const column of STEP_COLUMNS) {
      const stretch = finer.of(column);
      expect(stretch?.series.stepsPerPoint).toBe(2);
      expect(stretch?.series.mean[column]).toHaveLength(stretch?.series.step.length ?? -1);
    }
  });

  test('is not fetched again for a view inside it or one the overview resolves', async () => {
    const { group, asked } = setUp();
    group.zoomTo({ min: 100_000, max: 950_000 });
    await settle();
    expect(asked).toHaveLength(0);
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    const { length } = asked;
    group.pan(500);
    await settle();
    expect(asked).toHaveLength(length);
    group.pan(5000);
    await settle();
    expect(asked.length).toBeGreaterThan(length);
  });

  test('is abandoned after a later zoom and never shown', async () => {
    const { group, asked, finer } = setUp((series) => new Promise((resolve) => setTimeout(() => resolve(series), 50)));
    group.zoomTo({ min: 400_000, max: 402_000 });
    await vi.advanceTimersByTimeAsync(200);
    expect(asked.length).toBeGreaterThan(0);
    group.zoomTo({ min: 700_000, max: 701_000 });
    await settle();
    const later = asked.filter(({ from }) => from === 699_500);
    expect(later.flatMap(({ columns }) => columns)).toHaveLength(STEP_COLUMNS.length);
    expect(asked.length - later.length).toBeLessThan(later.length);
    for (const column of STEP_COLUMNS) expect(finer.of(column)?.range.min).toBe(699_500);
  });

  test('a failed fetch keeps the old data, reports the error and is retried with the next view', async () => {
    let broken = true;
    const { group, error, finer } = setUp(async (series) => {
      if (broken) throw new Error('the link is down');
      return series;
    });
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    expect(error.value).toMatchObject({ message: 'the link is down' });
    expect(finer.of('total')).toBeNull();
    broken = false;
    group.pan(10);
    await settle();
    expect(error.value).toBeNull();
    expect(finer.of('total')).not.toBeNull();
  });

  test('is dropped when the run is reloaded', async () => {
    const { group, finer } = setUp();
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    finer.clear();
    for (const column of STEP_COLUMNS) expect(finer.of(column)).toBeNull();
  });
});
