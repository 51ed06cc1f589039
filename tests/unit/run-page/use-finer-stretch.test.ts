/** Fetching finer series for a zoomed view: range, reuse, late answers. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { effectScope, shallowRef, type EffectScope } from 'vue';
import { STEP_COLUMNS } from '#shared/domain/runs/training.ts';
import type { Series } from '#shared/contract/runs.ts';
import { createChartGroup } from '../../../src/renderer/charts/chart-group.ts';
import { SeriesBuffer } from '../../../src/renderer/charts/data/series-buffer.ts';
import { useFinerStretch } from '../../../src/renderer/features/run/curves/use-finer-stretch.ts';

const STEPS = 1_000_000;
const OVERVIEW = 1000;

/** A series as main returns it. */
function seriesOf(fromStep: number, toStep: number, maxPoints: number): Series {
  const stepsPerPoint = Math.max(1, Math.ceil((toStep - fromStep + 1) / maxPoints));
  const n = Math.ceil((toStep - fromStep + 1) / stepsPerPoint);
  const step = Float64Array.from({ length: n }, (_, i) => fromStep + i * stepsPerPoint);
  const values = () => Object.fromEntries(STEP_COLUMNS.map((column) => [column, new Float32Array(n)]));
  return { stepsPerPoint, step, min: values(), max: values(), mean: values() };
}

let scope: EffectScope;
beforeEach(() => {
  vi.useFakeTimers();
  scope = effectScope();
});
afterEach(() => {
  scope.stop();
  vi.useRealTimers();
});

function setUp(answer = async (series: Series) => series) {
  const buffer = new SeriesBuffer(STEP_COLUMNS);
  buffer.seed(seriesOf(0, STEPS - 1, OVERVIEW), STEPS - 1);
  const group = createChartGroup();
  group.setExtent({ min: 0, max: STEPS });
  const asked: { from: number; to: number }[] = [];
  const error = shallowRef<unknown>(null);
  const finer = scope.run(() =>
    useFinerStretch(
      buffer,
      group,
      (from, to, maxPoints) => {
        asked.push({ from, to });
        return answer(seriesOf(from, to, maxPoints));
      },
      error,
    ),
  );
  if (!finer) throw new Error('the scope has ended');
  return { group, asked, error, finer };
}

const settle = () => vi.advanceTimersByTimeAsync(2000);

describe('a finer stretch', () => {
  test('is fetched once the view rests, with a panning margin', async () => {
    const { group, asked, finer } = setUp();
    group.zoomTo({ min: 400_000, max: 401_500 });
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    expect(asked).toEqual([{ from: 399_000, to: 403_000 }]);
    const { series } = finer.stretch.value ?? {};
    expect(series?.stepsPerPoint).toBe(2);
    for (const column of STEP_COLUMNS) expect(series?.mean[column]).toHaveLength(series?.step.length ?? -1);
  });

  test('is not fetched again for a view inside it or one the overview resolves', async () => {
    const { group, asked } = setUp();
    group.zoomTo({ min: 100_000, max: 950_000 });
    await settle();
    expect(asked).toHaveLength(0);
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    group.pan(500);
    await settle();
    expect(asked).toHaveLength(1);
    group.pan(5000);
    await settle();
    expect(asked).toHaveLength(2);
  });

  test('is never shown after a later zoom has requested another', async () => {
    const { group, asked, finer } = setUp((series) => new Promise((resolve) => setTimeout(() => resolve(series), 500)));
    group.zoomTo({ min: 400_000, max: 402_000 });
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toHaveLength(1);
    group.zoomTo({ min: 700_000, max: 701_000 });
    await vi.advanceTimersByTimeAsync(450);
    expect(asked).toHaveLength(2);
    expect(finer.stretch.value).toBeNull();
    await settle();
    expect(finer.stretch.value?.range.min).toBe(699_500);
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
    expect(finer.stretch.value).toBeNull();
    broken = false;
    group.pan(10);
    await settle();
    expect(error.value).toBeNull();
    expect(finer.stretch.value).not.toBeNull();
  });

  test('is dropped when the run is reloaded', async () => {
    const { group, finer } = setUp();
    group.zoomTo({ min: 400_000, max: 402_000 });
    await settle();
    finer.clear();
    expect(finer.stretch.value).toBeNull();
  });
});
