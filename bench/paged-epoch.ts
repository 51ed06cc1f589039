/**
 * Trains AMN on one stored data set with its vectors read from the file and with all of them in memory, in turns on the
 * same batches: rows a second of both, and whether the losses are the same bits. `--epoch` also trains the whole set once,
 * read from the file. Prints one JSON line.
 * Usage: node bench/paged-epoch.ts DATASET_FOLDER [--batch 256] [--rounds 5] [--seconds 4] [--epoch]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stream } from '#engine/random.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import type { WindowSource } from '#engine/types.ts';
import { openDataset } from '../src/main/datasets/dataset.ts';
import { nodeEngineHost } from '../src/main/processes/engine-host.ts';
import { benchModel } from './support/training-loop.ts';

const LR = 5e-4;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    epoch: { type: 'boolean', default: false },
  },
});
const B = Number(values.batch);
const dataset = openDataset(positionals[0]);
const engine = await createSimdEngine({ host: nodeEngineHost(resolve('resources')) });
const order = Uint32Array.from({ length: dataset.windows }, (_, w) => w);
stream(1, 'shuffle', 1).shuffle(order);

/** One training run over a source; both take the same batches. */
class Side {
  readonly rowsPerSecond: number[] = [];
  readonly losses: number[] = [];
  private readonly source: WindowSource;
  private readonly model: Awaited<ReturnType<typeof benchModel>>;
  private step = 0;

  constructor(source: WindowSource, model: Awaited<ReturnType<typeof benchModel>>) {
    this.source = source;
    this.model = model;
  }

  private batch(n: number): Uint32Array {
    const batches = Math.floor(order.length / B);
    return order.subarray((n % batches) * B, ((n % batches) + 1) * B);
  }

  async train(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      const ids = this.batch(this.step);
      const nextIds = this.batch(this.step + 1);
      const stats = await this.model.trainStep({ source: this.source, ids, nextIds, lr: LR, step: ++this.step });
      this.losses.push(stats.total);
    }
  }

  async measure(steps: number): Promise<void> {
    const startMs = performance.now();
    await this.train(steps);
    this.rowsPerSecond.push(Math.round((1000 * steps * B) / (performance.now() - startMs)));
  }
}

const loadedMs = performance.now();
const paged = new Side(await dataset.source(undefined, { memoryBytes: 0 }), await benchModel(engine, B));
const memory = new Side(await dataset.source(undefined, { memoryBytes: Infinity }), await benchModel(engine, B));
const loadSeconds = (performance.now() - loadedMs) / 1000;
const startMs = performance.now();
await memory.train(10);
const steps = Math.max(1, Math.round((Number(values.seconds) * 10_000) / (performance.now() - startMs)));
await paged.train(10);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const side of round % 2 === 0 ? [paged, memory] : [memory, paged]) await side.measure(steps);
}
const sameBits = paged.losses.every((loss, i) => loss === memory.losses[i]);
const epoch = values.epoch ? await wholeEpoch() : null;
console.log(
  JSON.stringify({
    windows: dataset.windows,
    dtype: dataset.meta.dtype,
    batch: B,
    stepsARound: steps,
    paged: paged.rowsPerSecond,
    memory: memory.rowsPerSecond,
    ratio: Number((median(paged.rowsPerSecond) / median(memory.rowsPerSecond)).toFixed(3)),
    sameBits,
    loadSeconds: Math.round(loadSeconds),
    epoch,
  }),
);
await engine.dispose();
dataset.close();

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

async function wholeEpoch(): Promise<{ seconds: number; rowsPerSecond: number; rows: number }> {
  const steps = Math.floor(dataset.windows / B);
  const startMs = performance.now();
  await paged.train(steps);
  const seconds = (performance.now() - startMs) / 1000;
  return { seconds: Math.round(seconds), rowsPerSecond: Math.round((steps * B) / seconds), rows: steps * B };
}
