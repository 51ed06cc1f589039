/**
 * Notices a trainer that lives but no longer answers, e.g. because it waits for a thread the system has ended without a
 * word. Counts turns of its own timer, not time: a machine that slept through an hour has missed one turn.
 */

/** A step or a block of an evaluation takes seconds at most; this many turns in a row without an answer is no such thing. */
const SILENT_TURNS = 12;

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
    return SILENT_TURNS * this.options.everyMs;
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
      if (this.silentTurns < SILENT_TURNS) return;
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
