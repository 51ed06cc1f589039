/** Keeps back what is below the fold until what is in view has come: charts and their series. */
import { onScopeDispose, readonly, ref, type Ref } from 'vue';
import { frames } from './frame-queue.ts';

/** Nobody waits longer than this for a host that does not answer. */
const LIMIT_MS = 2000;

export interface Hold {
  readonly held: Readonly<Ref<boolean>>;
  readonly letGo: () => void;
}

export function useHold(): Hold {
  const release = frames.hold();
  const held = ref(true);
  const letGo = (): void => {
    clearTimeout(timer);
    release();
    held.value = false;
  };
  const timer = setTimeout(letGo, LIMIT_MS);
  onScopeDispose(letGo);
  return { held: readonly(held), letGo };
}
