/**
 * Pause, resume and stop, giving way for a moment, and giving the event loop its turn. The loop calls `breathe` between
 * its pieces of work; nothing here knows what they are.
 */

/** Work goes on for so long between two turns of the event loop, which cost some microseconds. */
const YIELD_EVERY_MS = 10;
/** A rest for somebody who waits, after the last time that was asked for one: a page with charts takes that long. */
const REST_MS = 500;
const LONGEST_REST_MS = 750;
/** Then it is training's turn, for at least this share of the rest. */
const TURN_SHARE = 1 / 3;

interface HostTimers {
  setImmediate?(callback: () => void): unknown;
}

/** One turn of the event loop, so that messages get through; a browser's setTimeout would cost 4 ms each time. */
function turnOfEventLoop(): Promise<void> {
  const { setImmediate } = globalThis as HostTimers;
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}

export class Control {
  private pauseAsked = false;
  private stopAsked: string | null = null;
  private epochEndAsked = false;
  private wake: (() => void) | null = null;
  private yieldedAtMs = performance.now();
  private restFromMs = 0;
  private restUntilMs = 0;

  pause(): void {
    this.pauseAsked = true;
    this.wake?.();
  }

  resume(): void {
    this.pauseAsked = false;
    this.wake?.();
  }

  /** The next steps wait; asked again and again, training goes on a quarter of the time. */
  giveWay(): void {
    const now = performance.now();
    const turnMs = TURN_SHARE * (this.restUntilMs - this.restFromMs);
    if (now >= this.restUntilMs + turnMs) this.restFromMs = now;
    else if (now > this.restUntilMs) return;
    this.restUntilMs = Math.min(now + REST_MS, this.restFromMs + LONGEST_REST_MS);
  }

  stop(reason: string): void {
    this.stopAsked ??= reason;
    this.wake?.();
  }

  stopAtEpochEnd(): void {
    this.epochEndAsked = true;
  }

  get isStopping(): boolean {
    return this.stopAsked !== null;
  }

  get isPausing(): boolean {
    return this.pauseAsked && this.stopAsked === null;
  }

  get stopsAtEpochEnd(): boolean {
    return this.epochEndAsked || this.isStopping;
  }

  get stopReason(): string {
    return this.stopAsked ?? (this.epochEndAsked ? 'stopped at the end of the epoch, as asked' : '');
  }

  /** Gives the event loop a turn when it is due, and rests while that is asked for. */
  async breathe(): Promise<void> {
    if (performance.now() - this.yieldedAtMs < YIELD_EVERY_MS) return;
    await turnOfEventLoop();
    // A rest can be asked to be longer while it lasts.
    for (let restMs = this.restMs(); restMs > 0; restMs = this.restMs()) await this.sleep(restMs);
    this.yieldedAtMs = performance.now();
  }

  /** Who asked for a pause or a stop waits for it. */
  private restMs(): number {
    return this.pauseAsked || this.isStopping ? 0 : this.restUntilMs - performance.now();
  }

  /** Resolves on `resume` or `stop`. */
  async waitWhilePaused(): Promise<void> {
    while (this.isPausing) await this.sleep();
    this.yieldedAtMs = performance.now();
  }

  /** Until `wake`, and at most for so long. */
  private async sleep(ms?: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.wake = null;
  }
}
