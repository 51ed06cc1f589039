/** Follows one run to its end: events with --json, else a progress line and a table of epochs. */
import type { NextvecClient } from '#shared/contract/index.ts';
import type { GateResult, RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import type { EpochRecord, StepBlock, StepColumn } from '#shared/domain/runs/training.ts';
import type { SetWarning } from './handles.ts';
import { formatCosine, formatDuration, type Output } from './output.ts';

const STEP_EVENT_MS = 100;
const ENDED: ReadonlySet<RunStatus> = new Set(['finished', 'stopped', 'failed', 'interrupted']);

export interface Outcome {
  readonly run: RunSummary;
  /** The gate that stopped or paused it, if one did. */
  readonly gate: GateResult | null;
}

function last(block: StepBlock, column: StepColumn): number {
  return block.columns[column][block.count - 1];
}

function stepEvent(block: StepBlock): object {
  const terms = TERMS.map((term) => [
    term,
    {
      value: last(block, `value/${term}`),
      share: last(block, `share/${term}`),
      gradShare: last(block, `gradShare/${term}`),
    },
  ]);
  return {
    type: 'step',
    epoch: block.epoch,
    step: block.firstStep + block.count - 1,
    loss: last(block, 'total'),
    cosine: last(block, 'cosine'),
    lr: last(block, 'lr'),
    gradNorm: last(block, 'gradNorm'),
    rowsPerSecond: block.rowsPerSecond,
    rowsDone: block.rowsDone,
    rowsInEpoch: block.rowsInEpoch,
    terms: Object.fromEntries(terms),
  };
}

function gateEvent({ gate, epoch, value, passed }: GateResult): object {
  return { type: 'gate', epoch, metric: gate.metric, threshold: gate.threshold, value, action: gate.action, passed };
}

function startedEvent(run: RunSummary, warnings: readonly SetWarning[]): object {
  return {
    type: 'started',
    runId: run.id,
    number: run.number,
    engine: run.engine?.name ?? null,
    variant: run.engine?.variant ?? null,
    threads: run.engine?.threads ?? null,
    parameters: run.parameters,
    trainRows: run.trainRows,
    valRows: run.valRows,
    oodRows: run.oodRows,
    device: run.recipe.device,
    warnings,
  };
}

/** `finished` of cli.md. */
export function finishedEvent(run: RunSummary, peakRssBytes: number | null, warnings: readonly SetWarning[]): object {
  const best = run.best && {
    epoch: run.best.epoch,
    valCosine: run.best.valCosine,
    oodCosine: run.best.oodCosine,
    intervals: run.best.intervals ?? null,
  };
  return {
    type: 'finished',
    runId: run.id,
    number: run.number,
    status: run.status,
    reason: run.reason,
    waitsForSpace: run.waitsForSpace ?? false,
    best,
    baselines: run.baselines,
    valLift: run.valLift,
    oodLift: run.oodLift,
    valBestLift: run.valBestLift,
    oodBestLift: run.oodBestLift,
    durationMs: run.durationMs,
    rowsPerSecond: run.rowsPerSecond,
    peakRssBytes,
    warnings,
  };
}

class Reporter {
  readonly #out: Output;
  readonly #warnings: readonly SetWarning[];
  #run: RunSummary | null = null;
  #saidStarted = false;
  #stage: RunSummary['stage'];
  #lastStepAt = 0;

  constructor(out: Output, warnings: readonly SetWarning[]) {
    this.#out = out;
    this.#warnings = warnings;
  }

  run(run: RunSummary): void {
    this.#run = run;
    this.start(run);
    if (run.stage) this.stage(run.stage);
  }

  private start(run: RunSummary): void {
    if (this.#saidStarted || run.engine === null || run.trainRows === null || run.status === 'queued') return;
    this.#saidStarted = true;
    this.#out.event(startedEvent(run, this.#warnings));
    const { engine } = run;
    const took = run.recipe.device === null ? '' : ` (asked for device ${run.recipe.device})`;
    this.#out.progress(
      `Run #${run.number} ${run.name}: ${run.recipe.modelType}, engine ${engine.name} ${engine.variant}, ` +
        `${engine.threads} threads${took}, ${run.trainRows} training rows`,
      true,
    );
  }

  /** Prints a line per stage of a fit and updates its progress. The last stage, the gates, shows in the epoch lines instead. */
  private stage(stage: NonNullable<RunSummary['stage']>): void {
    const { name, index, count, fraction } = stage;
    if (index === this.#stage?.index && fraction === this.#stage.fraction) return;
    const isNew = index !== this.#stage?.index;
    this.#stage = stage;
    this.#out.event({ type: 'stage', ...stage });
    if (isNew) this.#out.progress(`stage ${index + 1} of ${count}: ${name}`, true);
    else if (index < count - 1) this.#out.progress(`${name} ${Math.floor(100 * fraction)} %`);
  }

  steps(block: StepBlock): void {
    const now = performance.now();
    if (now - this.#lastStepAt < STEP_EVENT_MS) return;
    this.#lastStepAt = now;
    this.#out.event(stepEvent(block));
    const share = Math.floor((block.rowsDone / Math.max(1, block.rowsInEpoch)) * 100);
    const eta = this.#run?.etaMs ? `, ${formatDuration(this.#run.etaMs)} left` : '';
    this.#out.progress(
      `epoch ${block.epoch}/${this.#run?.recipe.epochs ?? '?'} ${share} %  loss ${last(block, 'total').toPrecision(4)}  ` +
        `cosine ${last(block, 'cosine').toFixed(4)}  ${Math.round(block.rowsPerSecond)} rows/s${eta}`,
    );
  }

  epoch(record: EpochRecord): void {
    this.#out.event(record);
    const base = record.baselines.contextMean;
    this.#out.progress(
      `epoch ${record.epoch}  loss ${record.trainLoss?.toPrecision(4) ?? '–'}  validation ${formatCosine(record.valCosine)} ` +
        `(mean of context ${formatCosine(base?.valCosine)})  OOD ${formatCosine(record.oodCosine)} ` +
        `(${formatCosine(base?.oodCosine)})  ${Math.round(record.rowsPerSecond ?? 0)} rows/s${record.isBest ? '  best' : ''}`,
      true,
    );
  }

  gate(result: GateResult): void {
    this.#out.event(gateEvent(result));
    if (result.passed) return;
    const { metric, threshold, action } = result.gate;
    const text = `gate at epoch ${result.epoch}: ${metric} ${formatCosine(result.value)} < ${threshold}: ${action}`;
    this.#out.progress(text, true);
  }
}

export interface FollowOptions {
  readonly client: NextvecClient;
  readonly runId: string;
  readonly out: Output;
  readonly signal: AbortSignal;
  /** Of the run's data. */
  readonly warnings: readonly SetWarning[];
  /** Called at each epoch's end, while the trainer is alive. */
  readonly onEpoch?: () => void;
}

/** Ends when the run ends or is paused (by a gate or by the user). */
export async function followRun({ client, runId, out, signal, warnings, onEpoch }: FollowOptions): Promise<Outcome> {
  const reporter = new Reporter(out, warnings);
  let gate: GateResult | null = null;
  for await (const event of await client.runs.watch({ runId }, { signal })) {
    if (event.type === 'steps') reporter.steps(event);
    else if (event.type === 'epoch') {
      reporter.epoch(event);
      onEpoch?.();
    } else if (event.type === 'gate') {
      reporter.gate(event);
      if (!event.passed && event.gate.action !== 'warn') gate = event;
    } else if (event.type === 'run') {
      reporter.run(event.run);
      if (ENDED.has(event.run.status) || event.run.status === 'paused') break;
    }
  }
  const { run } = await client.runs.get({ runId });
  return { run, gate };
}
