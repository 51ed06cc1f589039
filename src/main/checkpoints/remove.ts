/** Removes checkpoints of a run. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Each is renamed first: who copies it meanwhile finds it whole or gone. */
export async function removeCheckpoints(runFolder: string, names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      // Named as a half-written one is: the next checkpoint removes what a crash leaves of it.
      const removed = join(runFolder, `.${name}.removed.tmp`);
      // On a full disk, which may have no room for the name, it is removed in its place.
      await rename(join(runFolder, name), removed).catch(() => undefined);
      for (const path of [removed, join(runFolder, name)]) await rm(path, { recursive: true, force: true });
    }),
  );
}
