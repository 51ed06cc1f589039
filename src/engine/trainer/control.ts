/**
 * Pause, resume and stop requests of a trainer, and turns of the event loop between its pieces of work. Not here: what
 * the pieces of work are.
 */
import { nodeGlobals } from '../node.ts';

/** Least time between two turns of the event loop; a turn costs some microseconds. */
const YIELD_EVERY_MS = 10;

/** One turn of the event loop, in which messages are delivered. A browser's setTimeout would cost 4 ms. */
function turnOfEventLoop(): Promise<void> {
  const { setImmediate } = nodeGlobals;
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

  pause(): void {
    this.pauseAsked = true;
  }

  resume(): void {
    this.pauseAsked = false;
    this.wake?.();
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

  /** Yields for one turn of the event loop if the last turn is 10 ms ago. */
  async yieldToEventLoop(): Promise<void> {
    if (performance.now() - this.yieldedAtMs < YIELD_EVERY_MS) return;
    await turnOfEventLoop();
    this.yieldedAtMs = performance.now();
  }

  /** Resolves on `resume` or `stop`. */
  async waitWhilePaused(): Promise<void> {
    while (this.isPausing) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.wake = null;
    this.yieldedAtMs = performance.now();
  }
}
