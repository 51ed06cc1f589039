/**
 * Waits for the GPU without taking a core: Dawn in a Node process asks whether work is done in every turn of the event loop,
 * which has no other reason to pause.
 */
import { nodeGlobals } from '../../node.ts';

/** Between two turns, at first: short beside a step, of which several are under way at a time. */
const SHORTEST_NAP_MS = 0.1;
/** A long wait is asked after less often: a nap is a tenth of the time since the last answer, up to this. */
const LONGEST_NAP_MS = 2;

/** Absent in a page, which does not poll and must not block. */
const { setImmediate } = nodeGlobals;
const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
let waiting = 0;
let isNapping = false;
let answeredMs = 0;

function nap(): void {
  isNapping = waiting > 0;
  if (!isNapping) return;
  const tenthMs = (performance.now() - answeredMs) / 10;
  Atomics.wait(never, 0, 0, Math.min(Math.max(tenthMs, SHORTEST_NAP_MS), LONGEST_NAP_MS));
  setImmediate?.(nap);
}

/** The outcome of `work`, with naps between the turns of the event loop until then. */
export async function withNaps<T>(work: Promise<T>): Promise<T> {
  waiting++;
  if (!isNapping) {
    isNapping = true;
    answeredMs = performance.now();
    setImmediate?.(nap);
  }
  try {
    return await work;
  } finally {
    waiting--;
    answeredMs = performance.now();
  }
}
