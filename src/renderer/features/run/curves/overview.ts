/**
 * The series of a whole run, as finely as its charts show them at first. The router asks for those of a run that has
 * ended before its page is made: the two then take the time of the longer one.
 */
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS } from '#shared/domain/training.ts';
import { client } from '../../../rpc.ts';

const OVERVIEW_POINTS = 1200;

let ahead: { readonly runId: string; readonly series: Promise<Series> } | null = null;

export function fetchOverview(runId: string, signal?: AbortSignal): Promise<Series> {
  const range = { fromStep: null, toStep: null, maxPoints: OVERVIEW_POINTS };
  return client.runs.series({ runId, columns: [...STEP_COLUMNS], ...range }, { signal });
}

export function askAhead(runId: string): void {
  const series = fetchOverview(runId);
  // It fails again, and is told, when the page asks.
  series.catch(() => undefined);
  ahead = { runId, series };
}

/** What was asked for ahead, once: later it would be out of date. */
export function takeAhead(runId: string): Promise<Series> | null {
  const series = ahead?.runId === runId ? ahead.series : null;
  ahead = null;
  return series;
}
