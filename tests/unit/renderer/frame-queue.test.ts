/** Work of charts over frames: order, budget, nothing starved, nothing done twice. */
import { expect, test } from 'vitest';
import { FrameQueue, type FrameTask } from '../../../src/renderer/ui/frame-queue.ts';

/** A clock that a test turns; tasks take time by turning it. */
class Clock {
  time = 0;
  #callback: FrameTask | null = null;

  request(callback: FrameTask): void {
    if (this.#callback) throw new Error('asked for two frames at once');
    this.#callback = callback;
  }

  now(): number {
    return this.time;
  }

  /** False when nobody asked for a frame. */
  frame(): boolean {
    const callback = this.#callback;
    this.#callback = null;
    callback?.(this.time);
    return callback !== null;
  }
}

test('what does not fit into a frame is first in the next one', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  const done: string[] = [];
  const task = (name: string, ms: number) => () => {
    done.push(name);
    clock.time += ms;
  };
  queue.add(task('a', 2));
  queue.add(task('b', 2));
  queue.add(task('c', 2));
  clock.frame();
  expect(done).toEqual(['a', 'b']);
  queue.add(task('d', 1));
  clock.frame();
  expect(done).toEqual(['a', 'b', 'c', 'd']);
  expect(clock.frame()).toBe(false);
});

test('one long task is done whole, and nothing as long after it in its frame', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  const done: string[] = [];
  for (const name of ['long', 'next']) {
    queue.add(() => {
      done.push(name);
      clock.time += 30;
    });
  }
  clock.frame();
  expect(done).toEqual(['long']);
  clock.frame();
  expect(done).toEqual(['long', 'next']);
});

test('tasks that are asked for at every frame all get their turn', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  const times = [0, 0, 0, 0, 0];
  const tasks = times.map((_, i) => () => {
    times[i] += 1;
    clock.time += 2;
  });
  for (let frame = 0; frame < 100; frame++) {
    for (const task of tasks) queue.add(task);
    clock.frame();
  }
  expect(times.reduce((a, b) => a + b)).toBe(200);
  // Two of five fit into a frame, so each waits for at most two frames.
  for (const runs of times) expect(runs).toBeGreaterThanOrEqual(33);
});

test('a task runs once however often it is added, not at all when removed, later when added by itself', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  let runs = 0;
  const again = () => {
    runs += 1;
    if (runs === 1) queue.add(again);
  };
  const never = () => {
    throw new Error('was removed');
  };
  queue.add(again);
  queue.add(again);
  queue.add(never);
  queue.remove(never);
  clock.frame();
  expect(runs).toBe(1);
  clock.frame();
  expect(runs).toBe(2);
  expect(clock.frame()).toBe(false);
});

test('a task that fails leaves the others their turn', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  let runs = 0;
  queue.add(() => {
    throw new Error('of a broken chart');
  });
  queue.add(() => (runs += 1));
  expect(() => clock.frame()).toThrow('broken');
  expect(clock.frame()).toBe(true);
  expect(runs).toBe(1);
});

test('parts are mounted one a frame, beside a little drawing', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  const done: string[] = [];
  const task = (name: string, ms: number) => () => {
    done.push(name);
    clock.time += ms;
  };
  for (const name of ['x', 'y', 'z']) queue.add(task(name, 1.4));
  queue.mount(task('part 1', 0));
  queue.mount(task('part 2', 0));
  clock.frame();
  expect(done).toEqual(['part 1', 'x', 'y']);
  clock.frame();
  expect(done).toEqual(['part 1', 'x', 'y', 'part 2', 'z']);
  expect(clock.frame()).toBe(false);
});

test('what is for later waits for a quiet frame, and comes one a frame', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  const done: string[] = [];
  const task = (name: string) => () => void done.push(name);
  queue.later(task('below 1'));
  queue.later(task('below 2'));
  queue.mount(task('part'));
  queue.add(task('drawing'));
  clock.frame();
  expect(done).toEqual(['part', 'drawing']);
  clock.frame();
  expect(done).toEqual(['part', 'drawing', 'below 1']);
  clock.frame();
  expect(done).toEqual(['part', 'drawing', 'below 1', 'below 2']);
  expect(clock.frame()).toBe(false);
});

test('charts that draw at every frame do not keep what is for later away for ever', () => {
  const clock = new Clock();
  const queue = new FrameQueue(clock);
  let shown = 0;
  const draw = () => queue.add(draw);
  queue.add(draw);
  queue.later(() => (shown += 1));
  for (let frame = 0; frame < 29; frame++) clock.frame();
  expect(shown).toBe(0);
  clock.frame();
  expect(shown).toBe(1);
});
