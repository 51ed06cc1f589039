/** Keeps back what is below the fold until what is in view has come: charts and their series. */
import { onScopeDispose } from 'vue';
import { frames } from './frame-queue.ts';

/** Nobody waits longer than this for a host that does not answer. */
const LIMIT_MS = 2000;

/** Gives what lets it go. */
export function useHold(): () => void {
  const release = frames.hold();
  const timer = setTimeout(release, LIMIT_MS);
  const letGo = (): void => {
    clearTimeout(timer);
    release();
  };
  onScopeDispose(letGo);
  return letGo;
}
