/** Messages between thread 0 and the others. None is sent while programs run. */
import type { VectorStore } from '../gather.ts';
import type { ThreadSetup } from './instance.ts';

export type ToThread =
  { readonly type: 'start'; readonly setup: ThreadSetup } | { readonly type: 'bind'; readonly source: VectorStore };

/** Sent after every message handled, before the thread goes back into WebAssembly. */
export type FromThread = { readonly type: 'ready' };
