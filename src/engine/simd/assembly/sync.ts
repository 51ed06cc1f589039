// Threads: a spinning barrier, work units handed out by a shared counter, and typed access to an operation's arguments.
// In the build without shared memory there is one thread and all of this is a no-op.
import {
  CONTROL_ARRIVED,
  CONTROL_GENERATION,
  CONTROL_GENERATION_WAITERS,
  OP_ARGS,
  OP_COUNTER,
  OP_UNITS,
} from '../abi/control.ts';

/**
 * Tries before a thread sleeps: a spin costs 0.1 µs to leave, a sleep 6 µs and in a virtual machine up to 50. Threads that
 * have a core each are done sooner than PATIENT tries; one that is not (two threads on one core, where spinning keeps the
 * other from its work) gives up after CAUTIOUS tries the next CAUTION times.
 */
const PATIENT: i32 = 250000;
const CAUTIOUS: i32 = 5000;
const CAUTION: i32 = 400;
let caution: i32 = 0;

/**
 * Waits until the word at `address` differs from `value`. `waiters` counts sleepers: without one no wake-up is sent.
 * `prompt`: the other threads are working towards the end of this wait, so a long wait means that they share a core.
 */
export function waitWhile(address: usize, value: i32, waiters: usize, prompt: bool): void {
  if (ASC_FEATURE_THREADS) {
    const tries = caution > 0 ? CAUTIOUS : PATIENT;
    if (caution > 0) caution--;
    for (let i = 0; i < tries; i++) if (atomic.load<i32>(address) != value) return;
    if (prompt && tries == PATIENT) caution = CAUTION;
    atomic.add<i32>(waiters, 1);
    while (atomic.load<i32>(address) == value) atomic.wait<i32>(address, value, -1);
    atomic.sub<i32>(waiters, 1);
  }
}

export function signal(address: usize, waiters: usize): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(address, 1);
    if (atomic.load<i32>(waiters) > 0) atomic.notify(address, -1);
  }
}

export function barrier(control: usize, threads: i32): void {
  if (ASC_FEATURE_THREADS) {
    if (threads == 1) return;
    const generation = atomic.load<i32>(control + CONTROL_GENERATION);
    if (atomic.add<i32>(control + CONTROL_ARRIVED, 1) == threads - 1) {
      atomic.store<i32>(control + CONTROL_ARRIVED, 0);
      signal(control + CONTROL_GENERATION, control + CONTROL_GENERATION_WAITERS);
    } else {
      waitWhile(control + CONTROL_GENERATION, generation, control + CONTROL_GENERATION_WAITERS, true);
    }
  }
}

/** The next work unit of an operation, or -1. Which thread takes a unit never changes its result. */
export function nextUnit(op: usize): i32 {
  let unit: i32;
  if (ASC_FEATURE_THREADS) {
    unit = atomic.add<i32>(op + OP_COUNTER, 1);
  } else {
    unit = load<i32>(op + OP_COUNTER);
    store<i32>(op + OP_COUNTER, unit + 1);
  }
  return unit < load<i32>(op + OP_UNITS) ? unit : -1;
}

export function resetUnits(program: usize, ops: i32, opBytes: i32): void {
  for (let i = 0; i < ops; i++) store<i32>(program + <usize>(i * opBytes) + OP_COUNTER, 0);
}

/** The arguments of an operation, declared in ../abi. */
// @ts-ignore: decorator
@inline
export function args<T>(op: usize): T {
  return changetype<T>(op + OP_ARGS);
}
