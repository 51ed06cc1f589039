/** The checkpoints of a run folder: which there are, and which a run resumes from. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RunCheckpoints } from '#shared/contract/trainer.ts';
import type { CheckpointKind } from '#shared/domain/runs/training.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { readAny, type LoadedCheckpoint, type LoadedFit } from './read.ts';
import { removeCheckpoints } from './remove.ts';

/** Names of the checkpoint folders of these kinds, newest first. */
export async function listCheckpointFolders(runFolder: string, kinds: readonly CheckpointKind[]): Promise<string[]> {
  const names = await readdir(runFolder).catch((): string[] => []);
  return names
    .map((name) => ({ name, parts: /^(best|last|kept)-(\d{10,})-(\d+)$/.exec(name) }))
    .filter(({ parts }) => parts !== null && kinds.some((kind) => kind === parts[1]))
    .toSorted((a, b) => Number(b.parts?.[2]) - Number(a.parts?.[2]) || Number(b.parts?.[3]) - Number(a.parts?.[3]))
    .map(({ name }) => name);
}

export interface Resumable {
  readonly checkpoint: LoadedCheckpoint | LoadedFit;
  /** Newer checkpoints that could not be used, one sentence each. */
  readonly skipped: readonly string[];
}

/** The newest checkpoint a run can resume from; null when it has none yet. Throws the newest one's error when all are damaged. */
export async function findResumable(runFolder: string, run: RunCheckpoints): Promise<Resumable | null> {
  const skipped: string[] = [];
  let firstError: unknown = null;
  for (const name of await listCheckpointFolders(runFolder, ['last', 'kept'])) {
    try {
      return { checkpoint: await readAny(join(runFolder, name), run), skipped };
    } catch (error) {
      firstError ??= error;
      skipped.push(messageOf(error));
    }
  }
  if (firstError !== null) throw firstError;
  return null;
}

/**
 * Removes the `last` checkpoints older than this one. A trainer killed between writing its final checkpoint and removing
 * the previous one leaves both, and on resume writes no other. Newer ones that could not be used stay.
 */
export async function removeReplaced(runFolder: string, { folder }: Pick<LoadedCheckpoint, 'folder'>): Promise<void> {
  const names = await listCheckpointFolders(runFolder, ['last']);
  const at = names.indexOf(basename(folder));
  const replaced = at < 0 ? [] : names.slice(at + 1);
  await removeCheckpoints(runFolder, replaced);
}
