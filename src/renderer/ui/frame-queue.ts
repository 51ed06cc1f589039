/** Batches tasks into animation frames: all tasks added before a frame run in it, each once. */

export type FrameTask = () => void;

export class FrameQueue {
  readonly #requestFrame: (callback: () => void) => void;
  /** In order of insertion. */
  readonly #tasks = new Set<FrameTask>();
  #requested = false;

  /** `requestFrame` is replaced in tests. */
  constructor(requestFrame: (callback: () => void) => void = (callback) => void requestAnimationFrame(callback)) {
    this.#requestFrame = requestFrame;
  }

  /** A task that is waiting already keeps its place. */
  add(task: FrameTask): void {
    this.#tasks.add(task);
    this.#request();
  }

  remove(task: FrameTask): void {
    this.#tasks.delete(task);
  }

  #request(): void {
    if (this.#requested || this.#tasks.size === 0) return;
    this.#requested = true;
    this.#requestFrame(() => this.#run());
  }

  #run(): void {
    this.#requested = false;
    try {
      // A copy: tasks added by a task run in the next frame. A task may also remove others.
      for (const task of Array.from(this.#tasks)) if (this.#tasks.delete(task)) task();
    } finally {
      // Tasks left over after an exception run in the next frame.
      this.#request();
    }
  }
}

/** The queue of the page. */
export const frames = new FrameQueue();
