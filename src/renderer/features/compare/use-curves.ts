/**
 * Per-step curves of several runs for the columns that are on screen: an overview of each run, and a finer range where
 * the view is zoomed. x is in steps, or in epochs so that runs with different batch counts share one axis.
 */
import { useDebounceFn } from '@vueuse/core';
import { onScopeDispose, shallowRef, watch, type Ref } from 'vue';
import type { RunDetail, Series } from '#shared/contract/runs.ts';
import type { StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../charts/chart-group.ts';
import { NO_POINTS, splice, type Points } from '../../charts/data/columns.ts';
import { client } from '../../rpc.ts';
import { stepsPerEpoch } from '../../parts/run-words.ts';

const OVERVIEW_POINTS = 1200;
const DETAIL_POINTS = 2400;
const ZOOM_DEBOUNCE_MS = 150;

interface Curve {
  readonly overview: Series;
  readonly detail: Series | null;
}

export interface Curves {
  /** Call inside a computed. */
  readonly points: (runId: string, column: StepColumn) => Points;
  readonly error: Readonly<{ value: unknown }>;
}

export type XUnit = 'step' | 'epoch';

/** Unit of x: steps, or epochs of `stepsPerEpoch` x units each, independent of a run's own steps per epoch. */
export interface XReading {
  readonly unit: XUnit;
  readonly stepsPerEpoch: number;
}

/** Steps of a run per unit of x. */
export function stepsPerUnit(detail: RunDetail, x: XReading): number {
  return x.unit === 'epoch' ? stepsPerEpoch(detail.run) / x.stepsPerEpoch : 1;
}

export function useCurves(
  details: Ref<readonly RunDetail[]>,
  columns: Ref<readonly StepColumn[]>,
  x: Ref<XReading>,
  group: ChartGroup,
): Curves {
  const curves = shallowRef<ReadonlyMap<string, Curve>>(new Map());
  const error = shallowRef<unknown>(null);
  const abort = new AbortController();
  let request = 0;

  function fetch(runId: string, fromStep: number | null, toStep: number | null, maxPoints: number): Promise<Series> {
    return client.runs.series(
      { runId, columns: [...columns.value], fromStep, toStep, maxPoints },
      { signal: abort.signal },
    );
  }

  async function update(zoomOnly: boolean): Promise<void> {
    request += 1;
    const mine = request;
    const zoomed = group.zoomed.value;
    if (columns.value.length === 0) return;
    try {
      const loaded = await Promise.all(
        details.value.map(async (detail): Promise<[string, Curve]> => {
          const { id } = detail.run;
          const scale = stepsPerUnit(detail, x.value);
          const known = zoomOnly ? curves.value.get(id) : undefined;
          const overview = known?.overview ?? (await fetch(id, null, null, OVERVIEW_POINTS));
          if (!zoomed || overview.stepsPerPoint === 1) return [id, { overview, detail: null }];
          const from = Math.max(0, Math.floor(zoomed.min * scale));
          return [id, { overview, detail: await fetch(id, from, Math.ceil(zoomed.max * scale), DETAIL_POINTS) }];
        }),
      );
      if (mine !== request) return;
      curves.value = new Map(loaded);
      error.value = null;
    } catch (cause) {
      if (mine === request && !abort.signal.aborted) error.value = cause;
    }
  }

  const zoomSoon = useDebounceFn(() => update(true), ZOOM_DEBOUNCE_MS);
  watch([details, columns], () => void update(false), { immediate: true });
  watch(group.zoomed, () => void zoomSoon());
  onScopeDispose(() => abort.abort());

  return {
    points(runId, column) {
      const curve = curves.value.get(runId);
      const detail = details.value.find(({ run }) => run.id === runId);
      if (!curve || !detail) return NO_POINTS;
      return scaled(merged(curve, column), stepsPerUnit(detail, x.value));
    },
    error,
  };
}

function pointsOf(series: Series, column: StepColumn): Points {
  const mean = series.mean[column];
  if (!mean) return NO_POINTS;
  if (series.stepsPerPoint === 1) return { x: series.step, mean, min: mean, max: mean };
  return { x: series.step, mean, min: series.min[column], max: series.max[column] };
}

function merged({ overview, detail }: Curve, column: StepColumn): Points {
  const coarse = pointsOf(overview, column);
  if (!detail || detail.step.length === 0) return coarse;
  const last = detail.step[detail.step.length - 1] + detail.stepsPerPoint - 1;
  return splice(coarse, pointsOf(detail, column), detail.step[0], last);
}

function scaled(points: Points, steps: number): Points {
  return steps === 1 ? points : { ...points, x: points.x.map((x) => x / steps) };
}
