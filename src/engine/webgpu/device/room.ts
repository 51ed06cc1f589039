/** Whether a model fits into the memory of the device, found before it trains. Vectors that do not fit beside it are uploaded. */
import type { Adapter } from '#shared/domain/runs/adapter.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { ModelOptions } from '../../types.ts';
import type { Gpu } from './device.ts';
import { countedBuffers, Memory } from './memory.ts';
import { ModelTensors, type ModelSize } from '../plan.ts';

/** What a model and its largest batch take of a device. */
export interface DeviceNeed {
  readonly bytes: number;
  /** Why the device has no room for them, and what to change; empty: it has. */
  readonly refusal: string;
}

/** Counted, without the device. */
export function deviceNeed(size: ModelSize, { maxBindingBytes, memoryBytes }: Adapter): DeviceNeed {
  const bytes = countBytes(size, Infinity);
  try {
    countBytes(size, maxBindingBytes);
  } catch (error) {
    return { bytes, refusal: messageOf(error) };
  }
  const fits = typeof memoryBytes !== 'number' || bytes <= memoryBytes;
  return { bytes, refusal: fits ? '' : tooLarge(size, bytes, `it has about ${memoryBytes}`) };
}

/** Throws RangeError where a buffer is larger than a binding. */
function countBytes(size: ModelSize, maxBindingBytes: number): number {
  return new ModelTensors(new Memory(countedBuffers(maxBindingBytes), size.maxBatch), size).memory.bytes;
}

/**
 * Allocates everything that the model needs and gives it back. Throws RangeError with the bytes and what to change where a buffer
 * is larger than the device allows, where it refuses one, or where all of them are more than it is known to have.
 */
export async function requireMemory(gpu: Gpu, options: ModelOptions): Promise<void> {
  const { device, adapter } = gpu;
  const { bytes, refusal } = deviceNeed(options, adapter);
  if (refusal) throw new RangeError(refusal);
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  new ModelTensors(new Memory(gpu, options.maxBatch), options).memory.dispose();
  const [full] = await gpu.answer(Promise.all([device.popErrorScope(), device.popErrorScope()]));
  if (!full) return;
  throw new RangeError(tooLarge(options, bytes, `its driver refuses them (${full.message.split('\n', 1)[0]})`));
}

function tooLarge({ maxBatch }: ModelSize, bytes: number, why: string): string {
  return (
    `webgpu engine: the model and a batch of ${maxBatch} rows take ${bytes} bytes of the GPU's memory; ${why}. ` +
    'Lower the batch size or choose another engine.'
  );
}
