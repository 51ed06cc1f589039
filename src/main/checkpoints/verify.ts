/** Whether the checkpoints of a run are those that were written, for `doctor --check`. */
import { join } from 'node:path';
import type { StoredCheck } from '#shared/contract/app.ts';
import type { RunCheckpoints } from '#shared/contract/trainer.ts';
import { CHECKPOINT_KINDS } from '#shared/domain/runs/training.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { readAny } from './read.ts';
import { listCheckpointFolders } from './resume.ts';

/** Reads every checkpoint in the folder, and looks for those that the history lists. */
export async function checkCheckpoints(runFolder: string, run: RunCheckpoints): Promise<StoredCheck> {
  const found = await listCheckpointFolders(runFolder, CHECKPOINT_KINDS);
  const problems = Object.keys(run.weightHashes)
    .filter((name) => isMissing(name, found))
    .map((name) => `The checkpoint ${join(runFolder, name)} is missing.`);
  for (const name of found) {
    try {
      await readAny(join(runFolder, name), run);
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  if (problems.length === 0) return { state: 'whole', problem: null };
  const remedy = 'Put the folder of the run back from a backup, or train it again.';
  return { state: 'damaged', problem: [...problems, remedy].join(' ') };
}

/** Of `best` and `last` only the newest stays; after a crash the history may still list the one before it. */
function isMissing(name: string, found: readonly string[]): boolean {
  const [kind] = name.split('-');
  return !found.some((other) => other === name || (kind !== 'kept' && other.startsWith(`${kind}-`)));
}
