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

/** Attempts, refusals by code, and the longest; throws at what hangs. */
export class Tally {
  attempts = 0;
  slowestMs = 0;
  readonly outcomes: Record<string, number> = {};

  async attempt(target: FuzzTarget, seed: number): Promise<void> {
    const startMs = performance.now();
    const outcome = await target.attempt(seed).catch((cause: unknown) => {
      throw new Error(`${target.name}, seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    });
    const tookMs = performance.now() - startMs;
    if (tookMs > LIMIT_MS) throw new Error(`${target.name}, seed ${seed} took ${Math.round(tookMs)} ms.`);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    this.attempts++;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}
