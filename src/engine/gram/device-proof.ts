/** Checks a device on the first windows of a training set: its products and lists beside those of the simd kernels. */
import { EngineFailure } from '../failure.ts';
import { PARITY_TOLERANCE } from '../parity.ts';
import { relativeError } from '../verify.ts';
import type { Windows } from './parts/blocks.ts';
import type { GramDevice } from './device.ts';
import { eachBlock } from './fit.ts';
import { BLOCK_WINDOWS, type GramMemory } from './memory.ts';
import { NeighbourSearch } from './parts/neighbours.ts';
import { addToRidgeSums, clearRidgeSums, readRidgeSums } from './parts/ridges.ts';
import type { GramData } from './types.ts';

/** Throws EngineFailure with the figures where they differ by more than rounding. Overwrites weights, mean, sums and keys. */
export async function proveDevice(memory: GramMemory, device: GramDevice, data: GramData): Promise<void> {
  const { T, D, maxKeys } = memory.shape;
  memory.floats(memory.plan.positionWeights, T).fill(1 / T);
  memory.floats(memory.plan.mean, D).fill(1);
  const ids = data.train.subarray(0, maxKeys === 0 ? BLOCK_WINDOWS : Math.min(BLOCK_WINDOWS, maxKeys));
  await eachBlock(data.source, ids, async (windows) => {
    const ridges = await ridgeDifference(memory, device, windows);
    const neighbours = maxKeys === 0 ? 0 : await listDifference(memory, device, windows);
    if (ridges <= PARITY_TOLERANCE && neighbours <= PARITY_TOLERANCE) return;
    throw new EngineFailure(
      `The GPU does not compute the products of the first ${windows.count} windows as simd does; relative differences: ` +
        `ridges ${ridges.toExponential(1)}, neighbours ${neighbours.toExponential(1)}; at most ${PARITY_TOLERANCE.toExponential()} is rounding.`,
      'Choose another engine, or update the driver of the GPU.',
    );
  });
}

async function ridgeDifference(memory: GramMemory, device: GramDevice, windows: Windows): Promise<number> {
  const sums = [];
  for (const by of [device, null]) {
    clearRidgeSums(memory);
    await addToRidgeSums(memory, windows, by);
    sums.push(upperTriangle(memory, readRidgeSums(memory)));
  }
  return relativeError(sums[0], sums[1]);
}

/** The sums that the solutions read. */
function upperTriangle({ plan: { L, sumColumns } }: GramMemory, sums: Float64Array): Float64Array {
  for (let k = 0; k < 2 * L; k++) {
    sums.fill(0, k * sumColumns, k * sumColumns + k);
    sums.fill(0, k * sumColumns + 3 * L, (k + 1) * sumColumns);
  }
  return sums;
}

/** Of the similarities: where keys are equally near, the lists may name others. */
async function listDifference(memory: GramMemory, device: GramDevice, windows: Windows): Promise<number> {
  const search = new NeighbourSearch(memory);
  search.add(windows);
  const count = windows.count * search.listed;
  memory.run((program) => search.addSearch(program, windows.count));
  const expected = memory.floats(memory.plan.similarities, count).slice();
  await search.searchOn(device, windows.count);
  return relativeError(memory.floats(memory.plan.similarities, count), expected);
}
