/** One thread's instance of the kernels over the shared memory. */
import { CONTROL_FAULT, FAULT_GATHER } from '../abi/control.ts';
import { Gatherer, type GatherLayout } from '../gather.ts';
import { openKernels, type KernelExports } from './kernels.ts';
import { messageOf } from '#shared/domain/thrown.ts';

/** Sent to a thread to start it. */
export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  /** Scratch of this thread. */
  readonly scratch: number;
  readonly layout: GatherLayout;
  readonly maxBatch: number;
}

export interface KernelInstance {
  readonly kernels: KernelExports;
  readonly gatherer: Gatherer;
  /** Message of a failed gather on this thread, then cleared; the program runs on and thread 0 reports it. */
  takeFault(): string | undefined;
}

function milliseconds(): number {
  return performance.now();
}

export function instantiateKernels(setup: ThreadSetup): KernelInstance {
  const { memory, control } = setup;
  const gatherer = new Gatherer(memory, setup.layout, setup.scratch, setup.maxBatch);
  const faultWord = new Int32Array(memory.buffer, control + CONTROL_FAULT, 1);
  let fault: string | undefined;
  const gather = (slot: number, from: number, to: number) => {
    try {
      gatherer.gather(slot, from, to);
    } catch (error) {
      // An exception through WebAssembly would leave the other threads at a barrier for ever.
      fault = messageOf(error);
      faultWord[0] = FAULT_GATHER;
    }
  };
  const kernels = openKernels(setup.module, { memory, gather, now: milliseconds });
  gatherer.halfToFloat = kernels.halfToFloat;
  const takeFault = () => {
    const reason = fault;
    fault = undefined;
    return reason;
  };
  return { kernels, gatherer, takeFault };
}
