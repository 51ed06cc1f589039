/** The comparison of an engine with another one on a run's first batch. */
import { beforeAll, describe, expect, it } from 'vitest';
import { PARITY_TOLERANCE, compareOnBatch, type Batch } from '#engine/parity.ts';
import { Trainer } from '#engine/trainer/index.ts';
import type { LossProbe, TrainableModel } from '#engine/types.ts';
import { D, Recorder, smallModel, smallRun, T } from '../support/training.ts';

let model: TrainableModel;
let batch: Batch;
let probe: LossProbe;
beforeAll(async () => {
  model = await smallModel();
  batch = new Trainer(smallRun(model, new Recorder())).firstBatch(10);
  probe = await model.probe(batch.contexts, batch.targets, batch.B);
});

/** `model` whose probe says something else. */
function saying(changes: Partial<LossProbe>): TrainableModel {
  return { ...model, spec: model.spec, probe: () => ({ ...probe, ...changes }) };
}

describe('parity on the first batch', () => {
  it('the batch is the first of the epoch, at most the rows asked for', async () => {
    let ids: Uint32Array | undefined;
    const watching: TrainableModel = {
      ...saying({}),
      trainStep: (input) => {
        ids = input.ids.slice();
        throw new Error('enough');
      },
    };
    const options = smallRun(watching, new Recorder());
    await new Trainer(options).run();
    const [contexts, targets] = [new Float32Array(10 * T * D), new Float32Array(10 * D)];
    options.train.source.gather(ids!.subarray(0, 10), contexts, targets);
    expect(batch).toMatchObject({ B: 10, contexts, targets });
  });

  it('finds nothing between two of the same', async () => {
    const differences = await compareOnBatch(model, model, batch);
    expect(differences?.length).toBeGreaterThan(10);
    expect(differences?.every(({ relativeError }) => relativeError === 0)).toBe(true);
  });

  it('names the loss, the term and the parameter that differ most', async () => {
    const [name, values] = [...probe.gradients].toSorted(([, a], [, b]) => b.length - a.length)[0];
    const gradients = new Map(probe.gradients).set(
      name,
      values.map((value) => value * 1.01),
    );
    const worst = async (changes: Partial<LossProbe>) => (await compareOnBatch(saying(changes), model, batch))?.[0];
    expect(await worst({ gradients })).toMatchObject({ quantity: `gradient of ${name}` });
    expect((await worst({ gradients }))?.relativeError).toBeGreaterThan(PARITY_TOLERANCE);
    const values0 = probe.values.with(0, probe.values[0] + 1);
    expect(await worst({ values: values0 })).toMatchObject({ quantity: 'term mse' });
    expect(await worst({ total: Number.NaN })).toEqual({ quantity: 'loss', relativeError: Number.NaN });
  });

  it('says nothing where the reference itself is not finite', async () => {
    expect(await compareOnBatch(model, saying({ total: Infinity }), batch)).toBeNull();
  });
});
