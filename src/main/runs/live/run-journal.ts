/**
 * What one life of a run has said so far: its status, progress and figures, written to the store and announced. Not here:
 * the trainer process and what it is told (`live-run.ts`).
 */
import { dirname } from 'node:path';
import type { LogLine, RunEvent, RunStatus } from '#shared/contract/runs.ts';
import type { TrainerEvent, TrainerJob } from '#shared/contract/trainer.ts';
import { sharingWords, type Sharing } from '#shared/domain/runs/sharing.ts';
import type { EpochRecord, Finished, Stage, StepBlock } from '#shared/domain/runs/training.ts';
import type { Db } from '../../store/database.ts';
import type { RunChanges } from '../../store/runs.ts';
import {
  epochChanges,
  finishedChanges,
  preparedChanges,
  startedChanges,
  stepChanges,
  totalSteps,
  type EventOf,
} from './event-changes.ts';
import { HistorySync } from './history-sync.ts';
import { Recorder } from './recorder.ts';
import { RunClock } from './run-clock.ts';

export type LiveStatus = Extract<RunStatus, 'starting' | 'running' | 'paused'>;

/** Events that only report; the others also ask something of main. */
export type Report = Exclude<TrainerEvent, EventOf<'store' | 'pausing' | 'status' | 'finished'>>;

export interface RunJournalOptions {
  readonly db: Db;
  readonly job: TrainerJob;
  /** Milliseconds trained in earlier lives. */
  readonly durationBeforeMs: number;
  /** How runs share the machine; null: one at a time. */
  readonly sharing: Sharing | null;
  readonly announce: (event: RunEvent) => void;
  /** Status, epoch, best or progress changed. */
  readonly onChange: () => void;
}

export interface DiskHooks {
  /** Nothing can be written; called once until writing works again. */
  onDiskFull(message: string): void;
  /** The file of the history is not at its place any more: what is written from now on is lost. Called once. */
  onGone(reason: string): void;
}

export class RunJournal {
  status: LiveStatus = 'starting';
  /** Where the fit of a Gram mixture is; null: of no other model. */
  stage: Stage | null = null;
  /** Why nothing can be written, not even the run's row; null: it can. */
  diskFull: string | null = null;
  private readonly options: RunJournalOptions;
  private readonly hooks: DiskHooks;
  private readonly recorder: Recorder;
  private readonly historySync: HistorySync;
  private readonly clock: RunClock;
  private engine: unknown = null;

  constructor(options: RunJournalOptions, hooks: DiskHooks) {
    this.options = options;
    this.hooks = hooks;
    this.recorder = new Recorder(options.db, options.job.runId, {
      onDiskFull: (error) => this.onDiskFull(`${error.message} ${error.remedy ?? ''}`),
      onDiskFree: () => this.onDiskFree(),
      onGone: (path) => this.hooks.onGone(goneReason(path)),
    });
    this.historySync = new HistorySync(options.db, {
      onDiskFull: (message) => this.onDiskFull(message),
      onDiskFree: () => this.onDiskFree(),
    });
    this.clock = new RunClock(options.durationBeforeMs);
  }

  /** Milliseconds left at this life's own pace; null until it has one. */
  get etaMs(): number | null {
    return this.status === 'running' ? this.clock.etaMs : null;
  }

  /** Blocks that are not in the store yet. */
  unflushed(): StepBlock[] {
    return this.recorder.unflushed();
  }

  /** Writes everything recorded so far to the store. */
  flush(): void {
    this.recorder.flush();
  }

  /** Writes it to the disk too; false: the disk is full. */
  async sync(): Promise<boolean> {
    return this.recorder.flush() && (await this.historySync.sync());
  }

  update(changes: RunChanges): void {
    this.recorder.update(changes);
  }

  setStatus(status: LiveStatus, reason: string): void {
    this.clock.run(status === 'running');
    this.status = status;
    this.recorder.update({ status, reason, ended_at_ms: null, duration_ms: this.clock.durationMs });
    this.recorder.flush();
    this.options.onChange();
  }

  /** Adds a line of main's own to the run's log. */
  log(level: LogLine['level'], message: string): void {
    this.addLog({ at: Date.now(), level, message });
  }

  record(event: Report): void {
    switch (event.type) {
      case 'prepared':
        return this.onPrepared(event);
      case 'baselines':
        return this.onBaselines(event);
      case 'best cosines':
        return this.recorder.addCosineSums(event.sums);
      case 'started':
        return this.onStarted(event);
      case 'steps':
        return this.onSteps(event);
      case 'epoch':
        return this.onEpoch(event);
      case 'gate':
        this.recorder.addGate(event);
        return this.options.announce(event);
      case 'checkpoint':
        return this.recorder.addCheckpoint(event);
      case 'log':
        return this.addLog(event.line);
      case 'stage':
        this.stage = event;
        this.recorder.update({ duration_ms: this.clock.durationMs });
        return this.options.onChange();
    }
  }

  /** The trainer's own last figures, before `end`. */
  recordFinish(event: Finished): void {
    this.recorder.update(finishedChanges(event));
  }

  /** Writes how the run ended, and nothing after it. `durationMs`: by the trainer's clock, where it said. */
  end(status: RunStatus, reason: string, durationMs = this.clock.durationMs): void {
    this.recorder.update({ status, reason, duration_ms: durationMs, ended_at_ms: Date.now() });
    this.recorder.end();
    this.options.onChange();
  }

  /** Writes what was recorded, and nothing after it: the run goes on elsewhere. */
  leave(): void {
    this.recorder.end();
  }

  private onPrepared(event: EventOf<'prepared'>): void {
    const { sharing } = this.options;
    const engine = { ...event.engine, ...(sharing && { sharing }) };
    this.engine = engine;
    this.recorder.update(preparedChanges({ ...event, engine }));
    if (sharing !== null) this.log('info', `Shares the machine: ${sharingWords(sharing)}.`);
    this.options.onChange();
  }

  private onBaselines({ baselines, sums }: EventOf<'baselines'>): void {
    if (sums) this.recorder.addCosineSums(sums);
    this.recorder.update({ baselines_json: JSON.stringify(baselines) });
    this.recorder.flush();
    this.options.onChange();
  }

  private onStarted(event: EventOf<'started'>): void {
    this.clock.start(event.step, totalSteps(event));
    this.recorder.begin(event.step + 1, this.engine);
    this.recorder.update(startedChanges(event, this.options.job.oodFolder !== null));
    this.setStatus('running', '');
  }

  private onSteps(block: StepBlock): void {
    this.clock.step = block.firstStep + block.count - 1;
    this.recorder.addSteps(block);
    this.recorder.update(stepChanges(block, this.clock));
    this.options.announce(block);
    this.options.onChange();
  }

  private onEpoch(record: EpochRecord): void {
    this.clock.step = record.step;
    this.recorder.addEpoch(record);
    this.recorder.update(epochChanges(record, this.clock));
    this.recorder.flush();
    this.options.announce(record);
    this.options.onChange();
  }

  private onDiskFull(message: string): void {
    this.diskFull = message;
    // Only announced: nothing can be written.
    this.options.announce({ type: 'log', line: { at: Date.now(), level: 'error', message } });
    this.options.onChange();
    this.hooks.onDiskFull(message);
  }

  private onDiskFree(): void {
    this.diskFull = null;
    this.log('info', 'The history can be written again; nothing was lost.');
    this.options.onChange();
  }

  private addLog(line: LogLine): void {
    this.recorder.addLog(line);
    this.options.announce({ type: 'log', line });
  }
}

function goneReason(path: string): string {
  return (
    `The storage folder ${dirname(path)} was moved or deleted while this run trained; ` +
    'its last epochs are stored only if that folder still exists somewhere. Put it back, then resume.'
  );
}
