/** Puts the history on the disk before a checkpoint that belongs to it. Some file systems say only here that they are full. */
import { fileFault } from '#shared/domain/file-faults.ts';
import { syncWal, type Db } from '../../store/database.ts';

export interface HistorySyncHooks {
  /** Called once until a sync works again. */
  onDiskFull(message: string): void;
  onDiskFree(): void;
}

export class HistorySync {
  private readonly db: Db;
  private readonly hooks: HistorySyncHooks;
  private isRefused = false;

  constructor(db: Db, hooks: HistorySyncHooks) {
    this.db = db;
    this.hooks = hooks;
  }

  /** false: the disk is full. Any other fault rejects. */
  async sync(): Promise<boolean> {
    try {
      await syncWal(this.db);
    } catch (error) {
      const fault = fileFault(error);
      if (fault?.code !== 'DISK_FULL') throw error;
      if (!this.isRefused) {
        const place = this.db.name;
        this.hooks.onDiskFull(
          `The history ${place} could not be written: ${fault.reason}. Free some space on that disk.`,
        );
      }
      this.isRefused = true;
      return false;
    }
    if (this.isRefused) this.hooks.onDiskFree();
    this.isRefused = false;
    return true;
  }
}
