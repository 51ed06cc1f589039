/**
 * Checkpoints waiting to be written. While the disk is full they stay in memory: the newest `last` and `best` and every
 * `kept` one, so that none is missing once there is space. Not here: when a checkpoint is due, and the pause.
 */
import type { Checkpoint } from '#engine/trainer/index.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import type { CheckpointKind, StoredCheckpoint } from '#shared/domain/runs/training.ts';
import { codeOf } from '#shared/domain/thrown.ts';
import { writeCheckpoint } from '../checkpoints/write.ts';

export interface OwedHooks {
  onWritten(stored: StoredCheckpoint): void;
  /** Called whenever one could not be written; `message` is for a person. */
  onDiskFull(message: string): void;
  /** Called once after that, when all are written. */
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
  private readonly job: Pick<TrainerJob, 'runFolder' | 'runId' | 'recipe'>;
  private readonly hooks: OwedHooks;
  private readonly owed = new Map<string, Owed>();
  private isDiskFull = false;
  private writing: Promise<boolean> | null = null;

  constructor(job: Pick<TrainerJob, 'runFolder' | 'runId' | 'recipe'>, hooks: OwedHooks) {
    this.job = job;
    this.hooks = hooks;
  }

  /** Replaces a waiting one of the same kind, except `kept` ones. */
  add(checkpoint: Checkpoint, spec: ModelSpec, kind: CheckpointKind, valCosine: number | null): void {
    const key = kind === 'kept' ? `${kind} ${checkpoint.state.step}` : kind;
    this.owed.set(key, { checkpoint, spec, kind, valCosine });
  }

  /** Writes all; false when the disk is full. Throws any other error. */
  async write(): Promise<boolean> {
    // The training loop and `resume` may both call this.
    while (this.writing !== null) await this.writing;
    this.writing = this.writeAll();
    try {
      return await this.writing;
    } finally {
      this.writing = null;
    }
  }

  private async writeAll(): Promise<boolean> {
    const { runFolder, runId, recipe } = this.job;
    for (const [key, { checkpoint, spec, kind, valCosine }] of this.owed) {
      try {
        const options = { runFolder, runId, recipe, spec, kind, valCosine };
        this.hooks.onWritten(await writeCheckpoint(checkpoint, options));
      } catch (error) {
        if (!FULL_DISK_CODES.has(codeOf(error))) throw error;
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
