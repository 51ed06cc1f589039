/**
 * Writes the events of one attempt: steps are gathered and written in one transaction at most a second later, with
 * everything that came after them, in order. A full disk keeps it all in memory, asks for a pause and tries again.
 */
import { statSync } from 'node:fs';
import type { GateResult, LogLine } from '#shared/contract/runs.ts';
import { isNextvecError, type NextvecError } from '#shared/domain/errors.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import type { EpochRecord, StepBlock, StoredCheckpoint } from '#shared/domain/runs/training.ts';
import { putCosineSums } from '../../store/cosine-sums.ts';
import { explain, inTransaction, type Db } from '../../store/database.ts';
import { beginAttempt, endAttempts, insertEpoch, insertGate, insertLog, putCheckpoint } from '../../store/history.ts';
import { updateRun, type RunChanges } from '../../store/runs.ts';
import { appendSteps } from '../../store/series-writer.ts';

const FLUSH_INTERVAL_MS = 1000;

export interface RecorderHooks {
  /** The disk is full; called once until writing works again. */
  onDiskFull(error: NextvecError): void;
  onDiskFree(): void;
  /** The file of the history is not at its place any more: moved, deleted or replaced. Called once. */
  onGone(path: string): void;
}

type Entry =
  | { readonly kind: 'steps'; readonly block: StepBlock }
  | { readonly kind: 'write'; readonly write: (attempt: number) => void };

export class Recorder {
  private readonly db: Db;
  private readonly runId: string;
  private readonly hooks: RecorderHooks;
  private readonly path: string;
  private attempt = 0;
  private pending: Entry[] = [];
  private changes: RunChanges = {};
  private timer: NodeJS.Timeout | null = null;
  private isDiskFull = false;
  private isGone = false;
  /** Of the history's file; null: it is in memory. */
  private readonly inode: number | null;

  constructor(db: Db, runId: string, hooks: RecorderHooks) {
    this.db = db;
    this.runId = runId;
    this.hooks = hooks;
    this.path = db.name;
    this.inode = db.memory ? null : inodeOf(this.path);
  }

  /** A new attempt whose next step is `firstStep`. Everything recorded before goes to the one before it. */
  begin(firstStep: number, engine: unknown): void {
    this.push(() => {
      this.attempt = beginAttempt(this.db, this.runId, firstStep, engine, Date.now());
    });
    this.flush();
  }

  addSteps(block: StepBlock): void {
    this.pending.push({ kind: 'steps', block });
    this.schedule();
  }

  addEpoch(record: EpochRecord): void {
    this.push((attempt) => insertEpoch(this.db, this.runId, attempt, record, Date.now()));
  }

  addCosineSums(sums: CosineSums): void {
    this.push(() => putCosineSums(this.db, this.runId, sums));
  }

  addGate(result: GateResult): void {
    this.push((attempt) => insertGate(this.db, this.runId, attempt, result, Date.now()));
  }

  addLog(line: LogLine): void {
    this.push(() => insertLog(this.db, this.runId, line));
  }

  addCheckpoint(row: StoredCheckpoint): void {
    this.push(() => putCheckpoint(this.db, this.runId, row, Date.now()));
  }

  /** Columns of the run's row, written with the next flush. */
  update(changes: RunChanges): void {
    Object.assign(this.changes, changes);
    this.schedule();
  }

  /** Packs the series of the attempt that has ended. */
  end(): void {
    this.push(() => endAttempts(this.db, this.runId, Date.now()));
    this.flush();
  }

  /** Blocks that are not in the store yet, for a watcher that comes in now. */
  unflushed(): StepBlock[] {
    return this.pending.flatMap((entry) => (entry.kind === 'steps' ? [entry.block] : []));
  }

  /** Writes everything; false when the disk is full and it stays in memory. */
  flush(): boolean {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.pending.length === 0 && Object.keys(this.changes).length === 0) return true;
    // The services were closed while the disk was full: a resumed run trains those steps again.
    if (!this.db.open) return false;
    this.lookForFile();
    try {
      inTransaction(this.db, () => this.writeAll());
    } catch (error) {
      return this.survive(explain(error, this.path));
    }
    this.pending = [];
    this.changes = {};
    if (this.isDiskFull) this.hooks.onDiskFree();
    this.isDiskFull = false;
    return true;
  }

  private push(write: (attempt: number) => void): void {
    this.pending.push({ kind: 'write', write });
    this.schedule();
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => this.flush(), FLUSH_INTERVAL_MS);
  }

  /** Calls `onGone` once the database file was deleted or replaced: writes to the open file would be lost. */
  private lookForFile(): void {
    if (this.isGone || this.inode === null || inodeOf(this.path) === this.inode) return;
    this.isGone = true;
    queueMicrotask(() => this.hooks.onGone(this.path));
  }

  private writeAll(): void {
    let blocks: StepBlock[] = [];
    const writeSteps = (): void => {
      appendSteps(this.db, { runId: this.runId, attempt: this.attempt }, blocks);
      blocks = [];
    };
    for (const entry of this.pending) {
      if (entry.kind === 'steps') blocks.push(entry.block);
      else {
        writeSteps();
        entry.write(this.attempt);
      }
    }
    writeSteps();
    updateRun(this.db, this.runId, this.changes);
  }

  private survive(error: unknown): false {
    if (!isNextvecError(error) || (error.code !== 'DISK_FULL' && error.code !== 'LOCKED')) throw error;
    if (!this.isDiskFull) this.hooks.onDiskFull(error);
    this.isDiskFull = true;
    this.schedule();
    return false;
  }
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
