/**
 * Detects a trainer that is alive but no longer answers, e.g. because it waits for a thread that the system has ended.
 * Counts ticks of its own timer, not time: a machine that slept for an hour has missed one tick.
 */

/** Ticks without an answer that count as silence: a step or a block of an evaluation takes seconds at most. */
const SILENT_TICKS = 12;

export interface HeartbeatOptions {
  readonly everyMs: number;
  /** Resolves or rejects when the trainer answers; a rejection is an answer too. */
  readonly ask: () => Promise<unknown>;
  readonly onSilence: () => void;
}

export class Heartbeat {
  private readonly options: HeartbeatOptions;
  private timer: NodeJS.Timeout | null = null;
  private asked = false;
  private silentTurns = 0;

  constructor(options: HeartbeatOptions) {
    this.options = options;
  }

  /** Silence after which the trainer counts as dead, ms. */
  get limitMs(): number {
    return SILENT_TICKS * this.options.everyMs;
  }

  /** Listens, or stops listening. */
  listen(on: boolean): void {
    if (on === (this.timer !== null)) return;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.turn(), this.options.everyMs).unref() : null;
    this.silentTurns = 0;
  }

  private turn(): void {
    if (this.asked) {
      this.silentTurns += 1;
      if (this.silentTurns < SILENT_TICKS) return;
      this.listen(false);
      this.options.onSilence();
      return;
    }
    this.asked = true;
    const heard = (): void => {
      this.asked = false;
      this.silentTurns = 0;
    };
    this.options.ask().then(heard, heard);
  }
}
