/**
 * Work for animation frames, first come first served, as much of it in one frame as keeps the frame short; the rest is
 * first in the next. Nine charts that all have to be made or drawn so become several short tasks, none of them starved.
 */

/** Of the 16 ms of a frame; the browser has to paint what was drawn, too. */
const BUDGET_MS = 9;

/** `now` is the time of the frame: the same for everything that is done in it. */
export type FrameTask = (now: number) => void;

export interface FrameClock {
  request(callback: FrameTask): void;
  now(): number;
}

const BROWSER: FrameClock = {
  request: (callback) => void requestAnimationFrame(callback),
  now: () => performance.now(),
};

export class FrameQueue {
  readonly #clock: FrameClock;
  /** In order of insertion. */
  readonly #waiting = new Set<FrameTask>();
  #requested = false;

  constructor(clock: FrameClock = BROWSER) {
    this.#clock = clock;
  }

  /** A task that waits already keeps its place. */
  add(task: FrameTask): void {
    this.#waiting.add(task);
    this.#request();
  }

  remove(task: FrameTask): void {
    this.#waiting.delete(task);
  }

  #request(): void {
    if (this.#requested) return;
    this.#requested = true;
    this.#clock.request((now) => this.#run(now));
  }

  #run(now: number): void {
    this.#requested = false;
    const until = this.#clock.now() + BUDGET_MS;
    try {
      // A copy: what a task adds is for the next frame.
      for (const task of Array.from(this.#waiting)) {
        if (!this.#waiting.delete(task)) continue;
        task(now);
        if (this.#clock.now() >= until) break;
      }
    } finally {
      if (this.#waiting.size > 0) this.#request();
    }
  }
}

/** Of the page: all charts share its frames. */
export const frames = new FrameQueue();
