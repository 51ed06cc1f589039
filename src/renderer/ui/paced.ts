/** Figures that are read, not watched: brought up to date at most so often, and in a frame. */
import { effect, onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import { frames } from './frame-queue.ts';

/**
 * What `read` gives, at most every `ms`. Text that is set between two frames is laid out twice: before the frame for what
 * is under the pointer, and with what the frame draws. `read` is not called more often either; it hears what it gave before.
 */
export function usePaced<T>(read: (before: T | undefined) => T, ms: number): Readonly<ShallowRef<T>> {
  let last: T | undefined;
  let readAtMs = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const paced = shallowRef() as ShallowRef<T>;

  const update = effect(() => void (paced.value = last = read(last)), {
    scheduler() {
      timer ??= setTimeout(() => frames.mount(inFrame), Math.max(0, readAtMs + ms - performance.now()));
    },
  });

  function inFrame(): void {
    timer = undefined;
    readAtMs = performance.now();
    update();
  }

  onScopeDispose(() => {
    clearTimeout(timer);
    frames.remove(inFrame);
  });
  return paced;
}
