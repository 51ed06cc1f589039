/** A model of the webgpu engine as a whole: where its batches come from, what a step costs, that it repeats itself. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { SharedVectors, StepStats, WindowSource } from '#engine/types.ts';
import type { DataLimits, Gpu } from '#engine/webgpu/device/device.ts';
import { WebgpuModel } from '#engine/webgpu/model.ts';
import { sharedStore } from '../../support/shared-store.ts';
import { describeWebgpu, GpuBench, SMALL_MODEL } from '../../support/webgpu.ts';

const WINDOWS = 20;
const { maxBatch: MAX_BATCH } = SMALL_MODEL;
const { T, D } = SMALL_MODEL.spec;

function store(dtype: SharedVectors['dtype']) {
  return sharedStore({ windows: WINDOWS, T, D, dtype });
}

function open(gpu?: Gpu, maxBatch = MAX_BATCH): WebgpuModel {
  const bench = new GpuBench();
  return new WebgpuModel(gpu ?? bench.gpu, bench.pipelines, { ...SMALL_MODEL, maxBatch });
}

/** Windows of each step: batches of several sizes. */
const BATCHES = [
  [0, 7, 19, 3, 3],
  [1, 2, 4, 8, 16, 5, 10, 15, 12],
  [6, 11],
  [18, 17, 14, 13],
].map((ids) => Uint32Array.from(ids));

function train(model: WebgpuModel, source: WindowSource, from = 0, to = BATCHES.length): Promise<StepStats[]> {
  return Promise.all(
    BATCHES.slice(from, to).map((ids, i) => model.trainStep({ source, ids, lr: 0.01, step: from + i + 1 })),
  );
}

async function bytesOf(model: WebgpuModel): Promise<number[][]> {
  const { m, v } = await model.readOptimizer();
  const tensors = [await model.readParameters(), m, v].flatMap((named) => [...named.values()]);
  return tensors.map((values) => Array.from(values));
}

describeWebgpu('webgpu model', () => {
  describe.each(['float32', 'float16'] as const)('vectors of %s', (dtype) => {
    const { shared, plain } = store(dtype);
    const bytes = shared.shared!.segments.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const index = shared.shared!.index.byteLength;
    let expected: unknown;

    /** Figures of every step, weights and moments of a training on `source`; how many kernels gather a batch. */
    async function trained(source: WindowSource, data: Partial<DataLimits> = {}) {
      const { gpu } = new GpuBench();
      const model = open(Object.create(gpu, { dataLimits: { value: { ...gpu.dataLimits, ...data } } }));
      const result = [await train(model, source), await bytesOf(model)];
      const gathers = model.dispatches(5).filter((label) => label === 'gather').length;
      model.dispose();
      return { result, gathers };
    }

    beforeAll(async () => {
      ({ result: expected } = await trained(plain));
    });

    it.each<[string, Partial<DataLimits>, number]>([
      ['on the device, in one buffer', {}, 1],
      ['on the device, in just enough memory', { bytes: bytes + index }, 1],
      // Of float32 7 shards, of which one kernel reads 4; of float16 3.
      ['on the device, in shards as large as the index', { bufferBytes: index }, dtype === 'float32' ? 2 : 1],
      ['uploaded, one byte too many for the device', { bytes: bytes + index - 1 }, 0],
      ['uploaded, the index in no buffer', { bufferBytes: index - 1 }, 0],
    ])('%s: the same bytes as without a data set on the device', async (_, data, gathers) => {
      expect(await trained(shared, data)).toEqual({ result: expected, gathers });
    });
  });

  it('submits steps before the figures of the first are read', async () => {
    const { gpu } = new GpuBench();
    const model = open();
    const { plain } = store('float32');
    await train(model, plain);
    const submit = vi.spyOn(gpu.device.queue, 'submit');
    const steps = train(model, plain);
    expect(submit).toHaveBeenCalledTimes(BATCHES.length);
    await steps;
    expect(submit).toHaveBeenCalledTimes(BATCHES.length);
    submit.mockRestore();
  });

  it('runs AMN in at most 45 kernels a step', () => {
    expect(open().dispatches(MAX_BATCH).length).toBeLessThanOrEqual(45);
  });

  it('two runs, one of them stopped and resumed, give the same bits', async () => {
    const { plain } = store('float32');
    const [through, first, second] = [open(), open(), open()];
    const figures = await train(through, plain);
    const before = await train(first, plain, 0, 2);
    second.writeParameters(await first.readParameters());
    second.writeOptimizer(await first.readOptimizer());
    expect([...before, ...(await train(second, plain, 2))]).toEqual(figures);
    expect(await bytesOf(second)).toEqual(await bytesOf(through));
  });

  it('predicts more rows than a batch has, the same as one by one', async () => {
    const { plain } = store('float32');
    const model = open();
    const B = 2 * MAX_BATCH + 1;
    const contexts = new Float32Array(B * T * D);
    plain.gather(
      Uint32Array.from({ length: B }, (_, i) => i),
      contexts,
      new Float32Array(B * D),
    );
    const { raw, attention } = await model.predict(contexts, B);
    const last = await model.predict(contexts.subarray((B - 1) * T * D), 1);
    expect(raw.subarray((B - 1) * D)).toEqual(last.raw);
    expect(attention).toHaveLength(B * T);
    expect(attention?.subarray(0, T).reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 5);
  });

  it('refuses other sizes, a batch too large and windows that do not exist', async () => {
    const model = open();
    const { plain } = store('float32');
    const step = (source: WindowSource, ids: number[]) =>
      model.trainStep({ source, ids: Uint32Array.from(ids), lr: 0.01, step: 1 });
    await expect(step({ ...plain, T: 4 }, [0])).rejects.toThrow(
      /the data has T 4, D 22; the model was made for T 5, D 22/,
    );
    await expect(step(plain, [])).rejects.toThrow(/a batch of 0 rows; this model was made for 1 to 9/);
    await expect(step(plain, [1, WINDOWS])).rejects.toThrow(/window 20 lies outside the data/);
    model.dispose();
    await expect(step(plain, [1])).rejects.toThrow(/disposed/);
  });

  it('refuses a batch whose InfoNCE products are larger than a binding', () => {
    const { limits } = new GpuBench().gpu.device;
    const limit = limits.maxStorageBufferBindingSize;
    const maxBatch = Math.floor(Math.sqrt(limit / 4)) + 1;
    expect(() => open(undefined, maxBatch)).toThrow(
      `"InfoNCE products" takes ${4 * maxBatch ** 2} bytes for a batch of ${maxBatch} rows; ` +
        `a binding of this GPU holds at most ${limit}. Lower the batch size`,
    );
  });

  it('a value that is not finite makes the total NaN', async () => {
    const { plain } = store('float32');
    const broken: WindowSource = {
      ...plain,
      gather(ids, contexts, targets) {
        plain.gather(ids, contexts, targets);
        contexts[3] = Number.NaN;
      },
    };
    const [{ total }] = await train(open(), broken, 0, 1);
    expect(total).toBeNaN();
  });
});
