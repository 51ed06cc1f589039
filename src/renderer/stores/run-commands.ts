/** Commands on one run, listed alike in the menu of its row and in the command palette. */
import {
  ClipboardCopy,
  Columns2,
  CopyPlus,
  Crosshair,
  FileOutput,
  FileText,
  Gauge,
  Pause,
  Pin,
  PinOff,
  Play,
  Square,
} from 'lucide-vue-next';
import type { Component } from 'vue';
import type { RunSummary } from '#shared/contract/runs.ts';
import { usePinnedRun } from './pinned-run.ts';
import { canResume, useRunActions } from './run-actions.ts';
import { canPredict, isLive } from './runs-store.ts';

export interface RunCommand {
  /** Names the run, as in "Resume #3". */
  readonly title: string;
  readonly icon: Component;
  readonly run: () => unknown;
}

type RunActions = ReturnType<typeof useRunActions>;

function predictions(run: RunSummary, actions: RunActions): RunCommand[] {
  const of = `#${run.number}`;
  if (!canPredict(run)) return [];
  return [
    { title: `Worst windows of ${of}`, icon: Gauge, run: () => actions.worstWindows(run) },
    { title: `Predict with ${of}`, icon: Crosshair, run: () => actions.predict(run) },
    { title: `Export weights of ${of}`, icon: FileOutput, run: () => actions.exportAs(run, 'safetensors') },
    ...(run.best ? [{ title: `Report on ${of}`, icon: FileText, run: () => actions.report(run) }] : []),
  ];
}

function steer(run: RunSummary, actions: RunActions): RunCommand[] {
  const of = `#${run.number}`;
  return [
    ...(run.status === 'running' ? [{ title: `Pause ${of}`, icon: Pause, run: () => actions.pause(run) }] : []),
    ...(canResume(run) ? [{ title: `Resume ${of}`, icon: Play, run: () => actions.resume(run) }] : []),
    ...(isLive(run) ? [{ title: `Stop ${of}`, icon: Square, run: () => actions.stop(run) }] : []),
  ];
}

/** Groups of commands that the run allows as it is now. */
export function useRunCommands(): (run: RunSummary) => readonly (readonly RunCommand[])[] {
  const actions = useRunActions();
  const pinned = usePinnedRun();

  function pin({ id, number }: RunSummary): RunCommand {
    const run = () => pinned.toggle(id);
    return pinned.run?.id === id
      ? { title: `Unpin the baseline #${number}`, icon: PinOff, run }
      : { title: `Pin #${number} as baseline`, icon: Pin, run };
  }

  function compare(run: RunSummary): RunCommand[] {
    const baseline = pinned.run;
    if (baseline === null || baseline.id === run.id) return [];
    const title = `Compare #${run.number} with the baseline #${baseline.number}`;
    return [{ title, icon: Columns2, run: () => actions.compare([baseline, run]) }];
  }

  return (run) => {
    const of = `#${run.number}`;
    const groups = [
      [
        { title: `New run like ${of}`, icon: CopyPlus, run: () => actions.repeat(run) },
        ...compare(run),
        ...(run.best ? [pin(run)] : []),
        { title: `Copy command line of ${of}`, icon: ClipboardCopy, run: () => actions.copyCommand(run) },
      ],
      predictions(run, actions),
      steer(run, actions),
    ];
    return groups.filter(({ length }) => length > 0);
  };
}
