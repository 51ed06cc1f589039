/**
 * Per-step curves of several runs for the columns that are on screen: an overview of each run, and a finer range where
 * the view is zoomed. run-axis.ts maps steps to x.
 */
import { useDebounceFn } from '@vueuse/core';
import { onScopeDispose, shallowRef, watch, type Ref } from 'vue';
import type { RunDetail, Series } from '#shared/contract/runs.ts';
import type { StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../charts/chart-group.ts';
import { NO_POINTS, splice, type Points } from '../../charts/data/columns.ts';
import type { XAxisMode } from '../../charts/ticks.ts';
import { client } from '../../rpc.ts';
import { runAxis, type RunAxis } from './run-axis.ts';

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

export function useCurves(
  details: Ref<readonly RunDetail[]>,
  columns: Ref<readonly StepColumn[]>,
  x: Ref<XAxisMode>,
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
          const axis = runAxis(detail, x.value);
          const known = zoomOnly ? curves.value.get(id) : undefined;
          const overview = known?.overview ?? (await fetch(id, null, null, OVERVIEW_POINTS));
          if (!zoomed || !axis || overview.stepsPerPoint === 1) return [id, { overview, detail: null }];
          const from = Math.max(0, Math.floor(axis.toStep(zoomed.min)));
          const to = Math.ceil(axis.toStep(zoomed.max));
          return [id, { overview, detail: await fetch(id, from, to, DETAIL_POINTS) }];
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
      const axis = detail && runAxis(detail, x.value);
      return curve && axis ? placed(merged(curve, column), axis) : NO_POINTS;
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

function placed(points: Points, axis: RunAxis): Points {
  return { ...points, x: points.x.map(axis.toX) };
}
