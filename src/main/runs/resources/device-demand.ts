/** What a run takes of the memory of the GPU. */
import { deviceNeed } from '#engine/webgpu/device/room.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { DeviceDemand } from '#shared/contract/runs.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type { Adapter } from '#shared/domain/runs/adapter.ts';

const INDEX_BYTES = 4;

/** `stored`: the whole training set, all of which is kept on the GPU. */
export function deviceDemand(
  adapter: Adapter,
  size: { readonly spec: GradientSpec; readonly maxBatch: number },
  { storedBytes, windows, passport }: Pick<Dataset, 'storedBytes' | 'windows' | 'passport'>,
): DeviceDemand {
  const { bytes, refusal } = deviceNeed(size, adapter);
  const { memoryBytes, maxBindingBytes } = adapter;
  const dataBytes = storedBytes - (passport.texts?.storedBytes ?? 0);
  const hasIndex = windows * (size.spec.T + 1) * INDEX_BYTES <= maxBindingBytes;
  const keepsData = typeof memoryBytes === 'number' ? bytes + dataBytes <= memoryBytes : null;
  return {
    adapter,
    modelBytes: bytes,
    dataBytes,
    keepsData: hasIndex ? keepsData : false,
    refusal,
  };
}
