/** `watch RUN`: a run of any process on this storage folder, drawn in the terminal until it ends. It only reads. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { RunDetail, RunSummary } from '#shared/contract/runs.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { signed } from '#shared/domain/figures.ts';
import { isOwned } from '../../store/home.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { finishedEvent } from '../follow-run.ts';
import { findRun } from '../handles.ts';
import { formatCosine, formatDuration, type Output } from '../output.ts';
import { withSession, type Session } from '../session.ts';
import { textChart } from '../text-chart.ts';

const POLL_MS = 1000;
const CHART_HEIGHT = 4;
const LABEL_WIDTH = 9;
const MOST_WIDTH = 100;

export function addWatchCommand(program: Command, context: CommandContext): void {
  program
    .command('watch <RUN>')
    .description('draw a run as it trains, also of another process, until it ends; --json: its epochs')
    .action((handle: string) =>
      context.run((out) => withSession(context.options(), out, 'reader', (session) => watch(session, handle, out))),
    );
}

/** Resolves to the exit status when the run has ended, or when no process is left that could train it. */
export async function watch(
  { client, home }: Pick<Session, 'client' | 'home'>,
  handle: string,
  out: Output,
): Promise<number> {
  const { id: runId } = await findRun(client, handle);
  let told = 0;
  for (;;) {
    // Asked before the run is read, so that what the owner wrote last is seen.
    const goesOn = isOwned(home);
    const detail = await client.runs.get({ runId });
    out.frame(await drawn(client, detail, Math.min(out.columns, MOST_WIDTH)));
    for (const epoch of detail.epochs.slice(told)) {
      out.event(epoch);
      if (!out.drawsFrames)
        out.progress(
          `epoch ${epoch.epoch}  validation ${formatCosine(epoch.valCosine)}  OOD ${formatCosine(epoch.oodCosine)}`,
          true,
        );
    }
    told = detail.epochs.length;
    if (hasEnded(detail.run.status) || !goesOn) return ended(detail.run, out);
    await sleep(POLL_MS);
  }
}

function ended(run: RunSummary, out: Output): number {
  const reason = run.reason === '' ? '' : `: ${run.reason}`;
  out.result(finishedEvent(run, null, []), () => {
    out.line(
      hasEnded(run.status)
        ? `Run #${run.number} ${run.status}${reason}`
        : `Run #${run.number} is ${run.status}, and no Nextvec has the storage folder open: nobody trains it.`,
    );
  });
  return run.status === 'finished' ? EXIT.done : EXIT.failed;
}

async function drawn(client: NextvecClient, { run, epochs }: RunDetail, columns: number): Promise<string[]> {
  const series = await client.runs.series({ runId: run.id, columns: ['total'], maxPoints: 4 * columns });
  // No column before the first step.
  const loss = Array.from(series.mean.total ?? []);
  const { baselines } = run;
  const line = (name: string, values: ArrayLike<number | null>, note: string) => panel(name, values, note, columns);
  const cosines = (key: 'valCosine' | 'oodCosine') => {
    const values = epochs.map((epoch) => epoch[key]);
    const mean = baselines.contextMean?.[key] ?? null;
    const now = values.at(-1) ?? null;
    const note = mean === null || now === null ? '' : `, mean of context ${formatCosine(mean)}: ${signed(now - mean)}`;
    return { values, note: `${formatCosine(now)}${note}` };
  };
  const [validation, ood] = [cosines('valCosine'), cosines('oodCosine')];
  return [
    heading(run),
    ...line('loss', loss, formatCosine(loss.at(-1))),
    ...line('validation', validation.values, validation.note),
    ...line('OOD', ood.values, ood.note),
  ];
}

function heading(run: RunSummary): string {
  const share = run.totalSteps ? ` ${Math.floor((100 * run.step) / run.totalSteps)} %` : '';
  const eta = run.etaMs === null ? '' : `, ${formatDuration(run.etaMs)} left`;
  const speed = run.rowsPerSecond === null ? '' : `, ${Math.round(run.rowsPerSecond)} rows/s`;
  return `Run #${run.number} ${run.name}: ${run.status}, epoch ${run.epoch}/${run.recipe.epochs}${share}${speed}${eta}`;
}

/** A title and the line with its range at the left; nothing before there are values. */
function panel(name: string, values: ArrayLike<number | null>, note: string, columns: number): string[] {
  const chart = textChart(values, { width: Math.max(10, columns - LABEL_WIDTH - 1), height: CHART_HEIGHT });
  if (chart === null) return [];
  const label = (i: number) => (i === 0 ? axis(chart.high) : i === CHART_HEIGHT - 1 ? axis(chart.low) : '');
  return [`${name} ${note}`, ...chart.lines.map((text, i) => `${label(i).padStart(LABEL_WIDTH)} ${text}`)];
}

function axis(value: number): string {
  return Math.abs(value) >= 0.01 ? value.toFixed(4) : value.toPrecision(3);
}
