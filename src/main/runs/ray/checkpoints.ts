/** Checkpoints on their way between the shared folder and the storage folder. A folder with its final name is whole. */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CheckpointKind } from '#shared/domain/runs/training.ts';
import { removeCheckpoints } from '../../checkpoints/remove.ts';
import { listCheckpointFolders } from '../../checkpoints/resume.ts';
import { copyFolder } from './shared-folder.ts';

const RESUMABLE: readonly CheckpointKind[] = ['last', 'kept'];

/** Copies a checkpoint here and removes the ones it replaces; false where it is gone. */
export async function fetchCheckpoint(from: string, runFolder: string, kind: CheckpointKind): Promise<boolean> {
  if (!existsSync(from)) return false;
  // Not the folders above it: a storage folder that is gone is not made again.
  if (!existsSync(runFolder)) await mkdir(runFolder);
  const name = basename(from);
  try {
    await copyFolder(from, join(runFolder, name));
  } catch (error) {
    if (existsSync(from)) throw error;
    return false;
  }
  if (kind === 'kept') return true;
  const others = (await listCheckpointFolders(runFolder, [kind])).filter((other) => other !== name);
  await removeCheckpoints(runFolder, others);
  return true;
}

/** Copies the checkpoints of a run there, unless it has some to resume from: those are as new. */
export async function sendCheckpoints(runFolder: string, to: string): Promise<void> {
  if ((await listCheckpointFolders(to, RESUMABLE)).length > 0) return;
  for (const name of await readdir(runFolder).catch(() => [])) {
    if (!name.startsWith('.')) await copyFolder(join(runFolder, name), join(to, name));
  }
}
