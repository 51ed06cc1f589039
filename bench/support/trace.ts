/** What Chromium's own trace says of the renderers' main threads: each task, and what each animation frame cost. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Browser } from 'playwright-core';

export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  /** Microseconds, as the others. */
  readonly ts: number;
  readonly dur?: number;
  /** CPU time of the thread. */
  readonly tdur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { readonly name?: string };
}

export interface Task {
  readonly startMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata'];

/**
 * A collection of the test's own garbage, the trace before this one above all, takes both of two processors for 80 ms:
 * better before the measurement than in it.
 */
function collectOwnGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Everything that was traced while `work` went on. */
export async function traceWhile(browser: Browser, work: () => Promise<void>): Promise<TraceEvent[]> {
  collectOwnGarbage();
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise<void>((done) => session.once('Tracing.tracingComplete', () => done()));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES },
  });
  await work();
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  return events;
}

function onMainThreads(events: readonly TraceEvent[], name: string): TraceEvent[] {
  const main = new Set(
    events
      .filter((event) => event.name === 'thread_name' && event.args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  return events
    .filter((event) => event.name === name && event.ph === 'X' && main.has(`${event.pid}/${event.tid}`))
    .toSorted((a, b) => a.ts - b.ts);
}

export function mainThreadTasks(events: readonly TraceEvent[]): Task[] {
  return onMainThreads(events, 'RunTask').map(({ ts, dur = 0, tdur = dur }) => ({
    startMs: ts / 1000,
    wallMs: dur / 1000,
    cpuMs: tdur / 1000,
  }));
}

/** What the collector does by and by in tasks of its own, which make way for frames. */
const MARKING = 'V8.GC_MC_INCREMENTAL';
const WORK = ['FireAnimationFrame', 'FunctionCall', 'Commit'];

export interface FrameCost {
  /** CPU time of all tasks from one animation frame to the next. */
  readonly cpuMs: number;
  /** Of it, marking by the collector in tasks of its own. */
  readonly markingMs: number;
}

export function frameCosts(events: readonly TraceEvent[]): FrameCost[] {
  const starts = (name: string) => onMainThreads(events, name).map(({ ts }) => ts / 1000);
  const frames = starts('FireAnimationFrame');
  const marking = starts(MARKING);
  const work = WORK.flatMap(starts);
  const costs: { cpuMs: number; markingMs: number }[] = [];
  let last = -Infinity;
  for (const { startMs, wallMs, cpuMs } of mainThreadTasks(events)) {
    const within = (at: number) => at >= startMs && at < startMs + wallMs;
    const at = frames.find(within);
    if (at !== undefined && at !== last) {
      costs.push({ cpuMs: 0, markingMs: 0 });
      last = at;
    }
    const cost = costs.at(-1);
    if (!cost) continue;
    cost.cpuMs += cpuMs;
    if (marking.some(within) && !work.some(within)) cost.markingMs += cpuMs;
  }
  return costs;
}
