/** FrameQueue: batching, deduplication, removal, errors. */
import { beforeEach, expect, test, vi } from 'vitest';
import { FrameQueue } from '../../../src/renderer/ui/frame-queue.ts';

let requested: (() => void)[] = [];
let queue: FrameQueue;

beforeEach(() => {
  requested = [];
  queue = new FrameQueue((callback) => void requested.push(callback));
});

/** Runs the requested frame. */
function frame(): void {
  expect(requested).toHaveLength(1);
  requested.pop()!();
}

test('runs all tasks in one frame, in order of insertion', () => {
  const done: string[] = [];
  for (const name of ['a', 'b', 'c']) queue.add(() => void done.push(name));
  expect(done).toEqual([]);
  frame();
  expect(done).toEqual(['a', 'b', 'c']);
  expect(requested).toEqual([]);
});

test('runs a task once however often it was added', () => {
  const task = vi.fn<() => void>();
  queue.add(task);
  queue.add(task);
  frame();
  expect(task).toHaveBeenCalledTimes(1);
});

test('runs a task added by a task in the next frame', () => {
  const task = vi.fn<() => void>(() => {
    if (task.mock.calls.length === 1) queue.add(task);
  });
  queue.add(task);
  frame();
  expect(task).toHaveBeenCalledTimes(1);
  frame();
  expect(task).toHaveBeenCalledTimes(2);
  expect(requested).toEqual([]);
});

test('does not run a removed task, also when a task of the same frame removes it', () => {
  const first = vi.fn<() => void>();
  const last = vi.fn<() => void>();
  queue.add(first);
  queue.add(() => queue.remove(last));
  queue.add(last);
  queue.remove(first);
  frame();
  expect(first).not.toHaveBeenCalled();
  expect(last).not.toHaveBeenCalled();
});

test('runs the other tasks in the next frame when one throws', () => {
  const other = vi.fn<() => void>();
  queue.add(() => {
    throw new Error('broken chart');
  });
  queue.add(other);
  expect(frame).toThrow('broken chart');
  frame();
  expect(other).toHaveBeenCalledTimes(1);
});
