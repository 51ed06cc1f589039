/** What a fuzz target offers: one damaged input a seed, and what became of it. */

export interface FuzzTarget {
  readonly name: string;
  /**
   * Makes the damaged input of this seed and gives it to the program. Resolves with 'accepted' or the code it was
   * refused with; throws when it is neither, or when anything is left behind.
   */
  attempt(seed: number): Promise<string>;
  close(): Promise<void>;
}

/** Longest an input may keep this process busy; also how long a target waits for an answer. */
export const LIMIT_MS = 5000;

/** CPU time of all threads of this process: on a machine that is busy elsewhere, the clock tells little. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Attempts, refusals by code, and the longest; throws at what hangs. */
export class Tally {
  attempts = 0;
  slowestMs = 0;
  readonly outcomes: Record<string, number> = {};

  async attempt(target: FuzzTarget, seed: number): Promise<void> {
    const startMs = cpuMs();
    const outcome = await attempted(target, seed);
    const tookMs = cpuMs() - startMs;
    if (tookMs > LIMIT_MS) throw new Error(`${target.name}, seed ${seed} took ${Math.round(tookMs)} ms of CPU time.`);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    this.attempts++;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}

async function attempted(target: FuzzTarget, seed: number): Promise<string> {
  try {
    return await target.attempt(seed);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${target.name}, seed ${seed}: ${message}`, { cause });
  }
}
