/** Whether a model fits into the memory of the device, found before it trains. Vectors that do not fit beside it are uploaded. */
import type { ModelOptions } from '../types.ts';
import type { Gpu } from './device.ts';
import type { Pipelines } from './kernel.ts';
import { ModelPlan } from './plan.ts';

/**
 * Allocates everything that the model needs and gives it back. Throws RangeError with the bytes and what to change where a buffer
 * is larger than the device allows, where it refuses one, or where all of them are more than it is known to have.
 */
export async function requireMemory(gpu: Gpu, pipelines: Pipelines, options: ModelOptions): Promise<void> {
  const { device, memoryBytes } = gpu;
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let bytes = 0;
  let refusal: unknown;
  try {
    const { memory } = new ModelPlan(gpu, pipelines, options);
    ({ bytes } = memory);
    memory.dispose();
  } catch (error) {
    refusal = error;
  }
  const [full] = await gpu.answer(Promise.all([device.popErrorScope(), device.popErrorScope()]));
  if (refusal !== undefined) throw refusal;
  if (full) throw tooLarge(options, bytes, `its driver refuses them (${full.message.split('\n', 1)[0]})`);
  if (memoryBytes !== null && bytes > memoryBytes) throw tooLarge(options, bytes, `it has about ${memoryBytes}`);
}

function tooLarge({ maxBatch }: ModelOptions, bytes: number, why: string): RangeError {
  return new RangeError(
    `webgpu engine: the model and a batch of ${maxBatch} rows take ${bytes} bytes of the GPU's memory; ${why}. ` +
      'Lower the batch size or choose another engine.',
  );
}
