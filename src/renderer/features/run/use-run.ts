/**
 * State of one run page: loaded when its event stream opens, then updated by each event. Owns the stream. Not here: actions
 * on a run (stores/run-actions.ts, run-steering.ts).
 */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { GateResult, LogLine, RunDetail, RunEvent, RunSummary } from '#shared/contract/runs.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../charts/chart-group.ts';
import { client, follow } from '../../rpc.ts';
import { shownError } from '../../ui/feedback/errors.ts';
import { isLive, useRunsStore } from '../../stores/runs-store.ts';
import { useRunSeries, type RunSeries } from './curves/use-run-series.ts';

/** Rows per second of each step block since the page was opened; older speeds are in the epoch records. */
export interface RatePoint {
  readonly step: number;
  readonly rowsPerSecond: number;
}

const MAX_RATES = 2000;
const MAX_LOG_LINES = 2000;

export interface RunState {
  readonly run: ShallowRef<RunSummary | null>;
  readonly epochs: ShallowRef<readonly EpochRecord[]>;
  readonly gates: ShallowRef<readonly GateResult[]>;
  readonly log: ShallowRef<readonly LogLine[]>;
  readonly rates: ShallowRef<readonly RatePoint[]>;
  readonly commandLine: ShallowRef<string>;
  readonly error: ShallowRef<unknown>;
  readonly series: RunSeries;
}

function emptyState(run: RunSummary | null, series: RunSeries): RunState {
  return {
    run: shallowRef(run),
    epochs: shallowRef([]),
    gates: shallowRef([]),
    log: shallowRef([]),
    rates: shallowRef([]),
    commandLine: shallowRef(''),
    error: shallowRef(null),
    series,
  };
}

function show(state: RunState, detail: RunDetail): void {
  state.run.value = detail.run;
  state.epochs.value = detail.epochs;
  state.gates.value = detail.gates;
  state.log.value = detail.log;
  state.commandLine.value = detail.commandLine;
}

function sameGate(a: GateResult, b: GateResult): boolean {
  return a.epoch === b.epoch && a.gate.metric === b.gate.metric && a.gate.threshold === b.gate.threshold;
}

function apply({ run, epochs, gates, log, rates, series }: RunState, event: RunEvent): void {
  switch (event.type) {
    case 'run':
      run.value = event.run;
      break;
    case 'steps': {
      const { firstStep, count, rowsPerSecond } = event;
      series.append(event);
      rates.value = [...rates.value.slice(-MAX_RATES + 1), { step: firstStep + count - 1, rowsPerSecond }];
      break;
    }
    case 'epoch':
      epochs.value = [...epochs.value.filter((known) => known.epoch < event.epoch), event];
      break;
    case 'gate':
      gates.value = [...gates.value.filter((known) => !sameGate(known, event)), event];
      break;
    case 'log':
      log.value = [...log.value.slice(-MAX_LOG_LINES + 1), event.line];
      break;
  }
}

export function useRun(runId: string, group: ChartGroup): RunState {
  const runs = useRunsStore();
  // The summary in the list is shown until the rest is loaded.
  const state = emptyState(runs.byId.get(runId) ?? null, useRunSeries(runId, group));
  const { run, error, series } = state;

  async function load(): Promise<void> {
    // The series of a long run take longer: main answers in the order of the calls.
    await Promise.all([client.runs.get({ runId }).then((detail) => show(state, detail)), series.load()]);
    error.value = null;
  }

  let stop: (() => void) | null = null;
  function start(): void {
    stop?.();
    stop = follow((signal) => client.runs.watch({ runId }, { signal }), {
      onStart: load,
      onEvent: (event) => apply(state, event),
      onError(cause) {
        error.value = cause;
        return shownError(cause).code !== 'NOT_FOUND';
      },
    });
  }

  // The stream of an ended run is closed: the list of runs says when it is resumed, renamed or tagged.
  watch(
    () => runs.byId.get(runId),
    (listed) => {
      if (!listed || !run.value) return;
      const revived = isLive(listed) && !isLive(run.value);
      run.value = listed;
      if (revived) start();
    },
  );
  start();
  onScopeDispose(() => stop?.());

  return state;
}
