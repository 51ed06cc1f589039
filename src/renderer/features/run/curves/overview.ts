/**
 * The series of a whole run at the charts' initial resolution. For an ended run the router requests them before its
 * page is mounted, so that both happen at the same time.
 */
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS } from '#shared/domain/runs/training.ts';
import { client } from '../../../rpc.ts';

const OVERVIEW_POINTS = 1200;

let ahead: { readonly runId: string; readonly series: Promise<Series> } | null = null;

export function fetchOverview(runId: string, signal?: AbortSignal): Promise<Series> {
  const range = { fromStep: null, toStep: null, maxPoints: OVERVIEW_POINTS };
  return client.runs.series({ runId, columns: [...STEP_COLUMNS], ...range }, { signal });
}

export function askAhead(runId: string): void {
  const series = fetchOverview(runId);
  // The page reports the error when it requests the series again.
  series.catch(() => undefined);
  ahead = { runId, series };
}

/** The prefetched series, once: later they would be out of date. */
export function takeAhead(runId: string): Promise<Series> | null {
  const series = ahead?.runId === runId ? ahead.series : null;
  ahead = null;
  return series;
}
