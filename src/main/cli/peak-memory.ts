/** Peak resident memory of the trainer process, where the system reports it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forkTrainer, type SpawnTrainer } from '../processes/trainer-process.ts';

export class PeakMemory {
  #pid: number | undefined;
  #peakBytes: number | null = null;

  /** Largest value seen; null where the system does not report it (only Linux does, as a file). */
  get bytes(): number | null {
    return this.#peakBytes;
  }

  /** Spawns the usual trainer and samples its memory. */
  readonly spawn: SpawnTrainer = () => {
    const trainer = forkTrainer(trainerEntry())();
    this.#pid = trainer.pid;
    return trainer;
  };

  sample(): void {
    if (this.#pid === undefined || process.platform !== 'linux') return;
    try {
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))?.[1];
      if (kilobytes) this.#peakBytes = Math.max(this.#peakBytes ?? 0, Number(kilobytes) * 1024);
    } catch {
      // The process has ended; the last value stays.
    }
  }
}

/** Beside this program in the build. Chunks lie one folder deeper. */
function trainerEntry(): string {
  const folder = dirname(fileURLToPath(import.meta.url));
  if (folder.endsWith(join('main', 'cli'))) return join(folder, '..', 'trainer', 'entry.ts');
  return join(folder.endsWith('chunks') ? dirname(folder) : folder, 'trainer.js');
}
