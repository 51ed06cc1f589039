/**
 * Runs that were alive when the last owner of the folder ended without closing it: marked interrupted at start. Those with
 * a job on a cluster stay as they are.
 */
import { inTransaction, isDiskFull, type Db } from '../store/database.ts';
import { endAttempts, insertLog } from '../store/history.ts';
import { hasJob, listRunsWithStatus, updateRun } from '../store/runs.ts';

/** On a full disk the next start does it. */
export function recoverRuns(db: Db): void {
  try {
    recover(db);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function recover(db: Db): void {
  const reasons = { queued: 'Nextvec ended before it began.', other: 'Nextvec ended while it was training.' };
  for (const row of listRunsWithStatus(db, ['queued', 'starting', 'running', 'paused'])) {
    const reason = row.status === 'queued' ? reasons.queued : reasons.other;
    inTransaction(db, () => {
      endAttempts(db, row.id, Date.now());
      if (hasJob(row)) return;
      updateRun(db, row.id, { status: 'interrupted', reason, ended_at_ms: row.ended_at_ms ?? Date.now() });
      insertLog(db, row.id, { at: Date.now(), level: 'warning', message: reason });
    });
  }
}
