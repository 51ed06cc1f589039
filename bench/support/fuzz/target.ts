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

/** Longest an input may keep the program busy. */
export const LIMIT_MS = 5000;

async function timed(target: FuzzTarget, seed: number): Promise<{ outcome: string; tookMs: number }> {
  const startMs = performance.now();
  try {
    return { outcome: await target.attempt(seed), tookMs: performance.now() - startMs };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${target.name}, seed ${seed}: ${message}`, { cause });
  }
}

/** Attempts, refusals by code, and the longest; throws at what hangs. */
export class Tally {
  attempts = 0;
  slowestMs = 0;
  readonly outcomes: Record<string, number> = {};

  async attempt(target: FuzzTarget, seed: number): Promise<void> {
    let { outcome, tookMs } = await timed(target, seed);
    // A machine that is busy elsewhere can stop this process for seconds; what is slow by itself is so again.
    if (tookMs > LIMIT_MS) ({ outcome, tookMs } = await timed(target, seed));
    if (tookMs > LIMIT_MS) throw new Error(`${target.name}, seed ${seed} took ${Math.round(tookMs)} ms, twice.`);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    this.attempts++;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}
