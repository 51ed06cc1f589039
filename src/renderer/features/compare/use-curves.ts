/**
 * Per-step curves of several runs for the columns that are on screen: an overview of each run, and a finer range where
 * the view is zoomed. run-axis.ts maps steps to x.
 */
import { useDebounceFn } from '@vueuse/core';
import { watch, type Ref } from 'vue';
import type { RunDetail, Series } from '#shared/contract/runs.ts';
import type { StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../charts/chart-group.ts';
import { NO_POINTS, columnPoints, splice, type Points } from '../../charts/data/columns.ts';
import type { Range } from '../../charts/drawing/scene.ts';
import type { XAxisMode } from '../../charts/drawing/ticks.ts';
import { client } from '../../rpc.ts';
import { useAnswer } from '../../ui/feedback/use-answer.ts';
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
  const { answer: curves, error, ask, cancel } = useAnswer<ReadonlyMap<string, Curve>>();

  /** The overview is fetched anew unless only the zoom has changed. */
  async function load(detail: RunDetail, zoomOnly: boolean, signal: AbortSignal): Promise<Curve> {
    const runId = detail.run.id;
    const fetch = (fromStep: number | null, toStep: number | null, maxPoints: number) =>
      client.runs.series({ runId, columns: [...columns.value], fromStep, toStep, maxPoints }, { signal });
    const zoomed = zoomedSteps(group.zoomed.value, runAxis(detail, x.value));
    const known = zoomOnly ? curves.value?.get(runId) : undefined;
    const overview = known?.overview ?? (await fetch(null, null, OVERVIEW_POINTS));
    if (zoomed === null || overview.stepsPerPoint === 1) return { overview, detail: null };
    return { overview, detail: await fetch(zoomed.min, zoomed.max, DETAIL_POINTS) };
  }

  function update(zoomOnly: boolean): void {
    if (columns.value.length === 0) return cancel();
    void ask(async (signal) => {
      const loaded = details.value.map(
        async (detail) => [detail.run.id, await load(detail, zoomOnly, signal)] as const,
      );
      return new Map(await Promise.all(loaded));
    });
  }

  const zoomSoon = useDebounceFn(() => update(true), ZOOM_DEBOUNCE_MS);
  watch([details, columns], () => update(false), { immediate: true });
  watch(group.zoomed, () => void zoomSoon());

  return {
    points(runId, column) {
      const curve = curves.value?.get(runId);
      const detail = details.value.find(({ run }) => run.id === runId);
      const axis = detail && runAxis(detail, x.value);
      return curve && axis ? placed(merged(curve, column), axis) : NO_POINTS;
    },
    error,
  };
}

/** Steps from `min` to `max`; null: not zoomed, or the run has no place on the axis. */
function zoomedSteps(zoomed: Range | null, axis: RunAxis | null): Range | null {
  if (zoomed === null || axis === null) return null;
  return { min: Math.max(0, Math.floor(axis.toStep(zoomed.min))), max: Math.ceil(axis.toStep(zoomed.max)) };
}

function merged({ overview, detail }: Curve, column: StepColumn): Points {
  const coarse = columnPoints(overview, column);
  if (!detail || detail.step.length === 0) return coarse;
  const last = detail.step[detail.step.length - 1] + detail.stepsPerPoint - 1;
  return splice(coarse, columnPoints(detail, column), detail.step[0], last);
}

function placed(points: Points, axis: RunAxis): Points {
  return { ...points, x: points.x.map(axis.toX) };
}
