/**
 * Checkpoints that are to be on the disk. A full disk keeps them in memory: the newest `last` and `best` and every one
 * asked to be kept, so that not one is missing once there is room. Not here: when a checkpoint is due, and the pause.
 */
import type { Checkpoint } from '#engine/trainer/index.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { writeCheckpoint, type CheckpointKind, type StoredCheckpoint } from '../runs/checkpoint.ts';

export interface OwedHooks {
  onWritten(stored: StoredCheckpoint): void;
  /** Called whenever one could not be written, with what a person should read. */
  onDiskFull(message: string): void;
  /** Once after that, when all are written. */
  onDiskFree(): void;
}

interface Owed {
  readonly checkpoint: Checkpoint;
  readonly spec: ModelSpec;
  readonly kind: CheckpointKind;
  readonly valCosine: number | null;
}

const FULL_DISK_CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

export class OwedCheckpoints {
  private readonly job: Pick<TrainerJob, 'runFolder' | 'runId'>;
  private readonly hooks: OwedHooks;
  private readonly owed = new Map<string, Owed>();
  private isDiskFull = false;
  private writing: Promise<boolean> | null = null;

  constructor(job: Pick<TrainerJob, 'runFolder' | 'runId'>, hooks: OwedHooks) {
    this.job = job;
    this.hooks = hooks;
  }

  /** A newer one of its kind takes the place of one that still waits, unless both are to be kept. */
  add(checkpoint: Checkpoint, spec: ModelSpec, kind: CheckpointKind, valCosine: number | null): void {
    const key = kind === 'kept' ? `${kind} ${checkpoint.state.step}` : kind;
    this.owed.set(key, { checkpoint, spec, kind, valCosine });
  }

  /** Writes all; false when the disk is full. Other errors are thrown. */
  async write(): Promise<boolean> {
    // The loop and a person who resumes may both ask.
    while (this.writing !== null) await this.writing;
    this.writing = this.writeAll();
    try {
      return await this.writing;
    } finally {
      this.writing = null;
    }
  }

  private async writeAll(): Promise<boolean> {
    const { runFolder, runId } = this.job;
    for (const [key, { checkpoint, spec, kind, valCosine }] of this.owed) {
      try {
        const options = { runFolder, runId, spec, kind, valCosine };
        this.hooks.onWritten(await writeCheckpoint(checkpoint, options));
      } catch (error) {
        if (!FULL_DISK_CODES.has((error as NodeJS.ErrnoException).code)) throw error;
        this.isDiskFull = true;
        this.hooks.onDiskFull(
          `The disk is full: no checkpoint could be written to ${runFolder}. Free some space, then resume; nothing is lost.`,
        );
        return false;
      }
      this.owed.delete(key);
    }
    if (this.isDiskFull) this.hooks.onDiskFree();
    this.isDiskFull = false;
    return true;
  }
}
