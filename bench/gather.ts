/**
 * Rows a second that batches of shuffled windows can be gathered at, from shared memory and straight from disk.
 * Usage: node bench/gather.ts DATASET_FOLDER [--batch 32] [--seconds 3]
 */
import { parseArgs } from 'node:util';
import { stream } from '#engine/random.ts';
import { openDataset } from '../src/main/datasets/dataset.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { batch: { type: 'string', default: '32' }, seconds: { type: 'string', default: '3' } },
});
const B = Number(values.batch);
const dataset = openDataset(positionals[0]);
const { T, D, windows } = dataset;
const order = Uint32Array.from({ length: windows }, (_, w) => w);
stream(1, 'shuffle').shuffle(order);
const contexts = new Float32Array(B * T * D);
const targets = new Float32Array(B * D);
const sources = {
  paged: await dataset.source(undefined, { memoryBytes: 0 }),
  shared: await dataset.source(undefined, { memoryBytes: Infinity }),
};
const rowsPerSecond: Record<string, number[]> = { paged: [], shared: [] };
let at = 0;
for (let round = 0; round < 3; round++) {
  for (const [name, source] of Object.entries(sources)) {
    const startedMs = performance.now();
    let rows = 0;
    for (; performance.now() - startedMs < (Number(values.seconds) * 1000) / 3; rows += B) {
      if (at + B > windows) at = 0;
      source.gather(order.subarray(at, at + B), contexts, targets);
      at += B;
    }
    rowsPerSecond[name].push(Math.round((rows / (performance.now() - startedMs)) * 1000));
  }
}
dataset.close();
console.log(JSON.stringify({ windows, D, batch: B, dtype: dataset.meta.dtype, rowsPerSecond }));
