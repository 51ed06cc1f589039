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

export function useRun(runId: string, group: ChartGroup): RunState {
  const runs = useRunsStore();
  // The summary in the list is shown until the rest is loaded.
  const run = shallowRef<RunSummary | null>(runs.byId.get(runId) ?? null);
  const epochs = shallowRef<readonly EpochRecord[]>([]);
  const gates = shallowRef<readonly GateResult[]>([]);
  const log = shallowRef<readonly LogLine[]>([]);
  const rates = shallowRef<readonly RatePoint[]>([]);
  const commandLine = shallowRef('');
  const error = shallowRef<unknown>(null);
  const series = useRunSeries(runId, group);

  function show(detail: RunDetail): void {
    run.value = detail.run;
    epochs.value = detail.epochs;
    gates.value = detail.gates;
    log.value = detail.log;
    commandLine.value = detail.commandLine;
  }

  async function load(): Promise<void> {
    // The series of a long run take longer: main answers in the order of the calls.
    await Promise.all([client.runs.get({ runId }).then(show), series.load()]);
    error.value = null;
  }

  function onEvent(event: RunEvent): void {
    switch (event.type) {
      case 'run':
        run.value = event.run;
        break;
      case 'steps':
        series.append(event);
        rates.value = [
          ...rates.value.slice(-MAX_RATES + 1),
          rateOf(event.firstStep + event.count - 1, event.rowsPerSecond),
        ];
        break;
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

  let stop: (() => void) | null = null;
  function start(): void {
    stop?.();
    stop = follow((signal) => client.runs.watch({ runId }, { signal }), {
      onStart: load,
      onEvent,
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
      const known = run.value;
      if (!listed || !known) return;
      const revived = isLive(listed) && !isLive(known);
      run.value = listed;
      if (revived) start();
    },
  );
  start();
  onScopeDispose(() => stop?.());

  return { run, epochs, gates, log, rates, commandLine, error, series };
}

function rateOf(step: number, rowsPerSecond: number): RatePoint {
  return { step, rowsPerSecond };
}

function sameGate(a: GateResult, b: GateResult): boolean {
  return a.epoch === b.epoch && a.gate.metric === b.gate.metric && a.gate.threshold === b.gate.threshold;
}
