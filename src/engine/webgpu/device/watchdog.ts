/** Gives up on answers that a device never sends. One timer for all that are awaited; none while nothing is. */

/**
 * How long an answer of the device is awaited: drivers reset a GPU that hangs much earlier. Counted in turns of a timer,
 * so that a sleep of the machine is one turn.
 */
export interface Patience {
  readonly turnMs: number;
  readonly turns: number;
}

interface Wait {
  turns: number;
  readonly reject: (reason: Error) => void;
}

export class Watchdog {
  private readonly patience: Patience;
  private readonly onSilence: (seconds: number) => Error;
  private readonly waits = new Set<Wait>();
  private timer: ReturnType<typeof setInterval> | undefined;

  /** `onSilence` makes the error that everything awaited too long is rejected with. */
  constructor(patience: Patience, onSilence: (seconds: number) => Error) {
    this.patience = patience;
    this.onSilence = onSilence;
  }

  /** The outcome of `answer`, or a rejection where it takes longer than the patience. */
  async watch<R>(answer: Promise<R>): Promise<R> {
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const wait: Wait = { turns: 0, reject };
    this.waits.add(wait);
    this.timer ??= setInterval(() => this.turn(), this.patience.turnMs);
    try {
      return await Promise.race([answer, silence]);
    } finally {
      this.waits.delete(wait);
      if (this.waits.size === 0) this.stop();
    }
  }

  private turn(): void {
    const { turnMs, turns } = this.patience;
    for (const wait of this.waits) {
      if (++wait.turns >= turns) wait.reject(this.onSilence((turnMs * turns) / 1000));
    }
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
