/** Limits the reloads of a crashed page: one that crashes while it loads would otherwise be reloaded for ever. */

const MOST_RELOADS = 3;
const WITHIN_MS = 60_000;

export class ReloadLimit {
  #times: number[] = [];

  /** Whether the page may be loaded again at `nowMs`; counts it if so. */
  allows(nowMs: number): boolean {
    this.#times = this.#times.filter((time) => nowMs - time < WITHIN_MS);
    if (this.#times.length >= MOST_RELOADS) return false;
    this.#times.push(nowMs);
    return true;
  }
}
