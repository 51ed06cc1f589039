/**
 * Work for animation frames, as much of it in one frame as keeps the frame short; the rest is first in the next. Nine
 * charts that all have to be made or drawn so become several short tasks, none of them starved. Three kinds, each first
 * come first served: drawing, parts of a page that are mounted one a frame, and parts that can wait until nothing else does.
 */

/** Of the 16 ms of a frame; the browser needs longer than that to bring on screen what was drawn. */
const BUDGET_MS = 5;
/** For drawing in a frame that also mounts: what that costs is known only when the frame is over. */
const BUDGET_BESIDE_MOUNT_MS = 3;
/** Frames that drawing may pass over what waits for a quiet one. */
const MOST_PASSED_OVER = 30;

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
  /** Each in order of insertion. */
  readonly #drawing = new Set<FrameTask>();
  readonly #mounting = new Set<FrameTask>();
  readonly #later = new Set<FrameTask>();
  #passedOver = 0;
  #requested = false;

  constructor(clock: FrameClock = BROWSER) {
    this.#clock = clock;
  }

  /** A task that waits already keeps its place, here as below. */
  add(task: FrameTask): void {
    this.#drawing.add(task);
    this.#request();
  }

  /** One of these a frame. */
  mount(task: FrameTask): void {
    this.#mounting.add(task);
    this.#request();
  }

  /** One of these in a frame that has nothing else to do. */
  later(task: FrameTask): void {
    this.#later.add(task);
    this.#request();
  }

  remove(task: FrameTask): void {
    this.#drawing.delete(task);
    this.#mounting.delete(task);
    this.#later.delete(task);
  }

  #hasWork(): boolean {
    return this.#drawing.size > 0 || this.#mounting.size > 0 || this.#later.size > 0;
  }

  #request(): void {
    if (this.#requested || !this.#hasWork()) return;
    this.#requested = true;
    this.#clock.request((now) => this.#run(now));
  }

  #run(now: number): void {
    this.#requested = false;
    const mounts = this.#mounting.size > 0;
    const quiet = !mounts && this.#drawing.size === 0;
    try {
      if (mounts) this.#first(this.#mounting, now);
      this.#draw(now, mounts ? BUDGET_BESIDE_MOUNT_MS : BUDGET_MS);
      if (this.#later.size > 0 && (quiet || ++this.#passedOver >= MOST_PASSED_OVER)) {
        this.#passedOver = 0;
        this.#first(this.#later, now);
      }
    } finally {
      this.#request();
    }
  }

  #first(tasks: Set<FrameTask>, now: number): void {
    for (const task of tasks) {
      tasks.delete(task);
      return task(now);
    }
  }

  #draw(now: number, budgetMs: number): void {
    let last = this.#clock.now();
    const until = last + budgetMs;
    let longest = 0;
    // A copy: what a task adds is for the next frame.
    for (const task of Array.from(this.#drawing)) {
      if (!this.#drawing.delete(task)) continue;
      task(now);
      const ended = this.#clock.now();
      longest = Math.max(longest, ended - last);
      last = ended;
      // Another such would not fit.
      if (ended + longest > until) break;
    }
  }
}

/** Of the page: everything on it shares its frames. */
export const frames = new FrameQueue();
