/** Reading PyTorch checkpoints: right values for every dtype and stride; nothing is executed. */
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '#engine/registry.ts';
import { inferModel } from '#shared/domain/models/infer-model.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { readWeightsFile } from '../../support/weights.ts';
import { testHost } from '../../support/host.ts';
import { readNpz } from '../../support/npz.ts';

const FOLDER = 'tests/fixtures/pt';
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nextvec-pt-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('good files', () => {
  it.each([
    ['amn', { type: 'amn', D: 24, dModel: 8, hiddenDim: 16 }, {}],
    ['transformer-half', { type: 'transformer', dModel: 16, heads: 4, numLayers: 2, feedForward: 64 }, { heads: 4 }],
    ['lstm-strided', { type: 'lstm', hiddenDim: 16, numLayers: 2 }, {}],
    ['gru-bfloat16', { type: 'gru', dModel: 16, numLayers: 2 }, {}],
  ] as const)('%s gives what PyTorch gives', async (name, spec, hints) => {
    const { tensors } = await readWeightsFile(`${FOLDER}/${name}.pt`);
    const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
    const inferred = inferModel(shapes, { T: 5, ...hints }, name);
    expect(inferred.spec).toMatchObject(spec);
    const parameters = new Map(
      parameterShapes(inferred.spec).map((p) => [p.name, tensors.get(inferred.prefix + p.name)!.data]),
    );
    const engine = await openEngine('cpu', testHost);
    const model = await engine.createModel({
      spec: inferred.spec as GradientSpec,
      loss: {
        weights: lambdaOf({ mse: 1 }),
        tau: 0.07,
        marginDirectional: 0.05,
        marginAntiCopy: 0.02,
        varianceTarget: 1,
      },
      optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clip: 1 },
      seed: 1,
      parameters,
      maxBatch: 2,
    });
    const io = await readNpz(`${FOLDER}/io.npz`);
    const { raw } = await model.predict(io.get(`${name}/context`)!.data as Float32Array, 2);
    const expected = io.get(`${name}/raw`)!.data as Float32Array;
    expect(Math.max(...raw.map((x, i) => Math.abs(x - expected[i])))).toBeLessThan(1e-5);
    model.dispose();
  });

  it('reads args, history and figures as plain data', async () => {
    const { rest, format } = await readWeightsFile(`${FOLDER}/amn.pt`);
    expect(format).toBe('pt');
    expect(rest).toMatchObject({
      args: { model_type: 'amn', lr: 2.5e-4, lambda_info: 0.25, device: 'mps', epochs: 3 },
      history: { val_cosine: [0.4211, 0.4607, 0.4601] },
      epoch: 2,
      val_cosine: 0.4607,
    });
    expect(rest).not.toHaveProperty('optimizer_state_dict');
  });
});

async function refusal(path: string): Promise<{ code: string; message: string; remedy?: string }> {
  try {
    await readWeightsFile(path);
  } catch (error) {
    if (isNextvecError(error)) return error.toData();
    throw error;
  }
  throw new Error('it was read');
}

describe('files that are refused', () => {
  it('a pickle that calls a command: named, with place and remedy; nothing runs', async () => {
    const { code, message, remedy } = await refusal(`${FOLDER}/evil.pt`);
    expect(code).toBe('PICKLE_REFUSED');
    expect(message).toMatch(/evil\.pt: evil\/data\.pkl.*it would call posix\.system/);
    expect(remedy).toMatch(/Nothing was executed/);
    expect(existsSync('/tmp/nextvec-was-executed')).toBe(false);
  });

  it('a pickled module, which needs its class to be called', async () => {
    expect(await refusal(`${FOLDER}/whole-module.pt`)).toMatchObject({
      code: 'PICKLE_REFUSED',
      message: expect.stringContaining('make_golden.AMN') as string,
      remedy: expect.stringContaining('model_state_dict') as string,
    });
  });

  it('the legacy format, with a remedy', async () => {
    expect(await refusal(`${FOLDER}/legacy.pt`)).toMatchObject({
      code: 'ARCHIVE_UNSUPPORTED',
      remedy: expect.stringContaining('torch.save') as string,
    });
  });

  it('every truncation and every changed byte', async () => {
    const bytes = await readFile(`${FOLDER}/gru-bfloat16.pt`);
    const path = join(scratch, 'broken.pt');
    for (let i = 1; i < 16; i++) {
      await writeFile(path, bytes.subarray(0, Math.floor((bytes.length * i) / 16)));
      expect((await refusal(path)).code).toMatch(/^[A-Z_]+$/);
    }
    const changed = Buffer.from(bytes);
    changed[Math.floor(bytes.length / 2)] ^= 0x40;
    await writeFile(path, changed);
    expect((await refusal(path)).code).toBe('CHECKSUM_MISMATCH');
  });
});

describe('inferring a model', () => {
  const shapesOf = async (name: string) =>
    new Map([...(await readWeightsFile(`${FOLDER}/${name}.pt`)).tensors].map(([key, { shape }]) => [key, shape]));

  it('reports its assumptions', async () => {
    const { assumed } = inferModel(await shapesOf('transformer-half'), {}, 'f');
    expect(assumed.join(' ')).toMatch(/attention heads.*context length/);
  });

  it.each([
    ['a missing tensor', 'residual_net.3.bias', null, /residual_net\.3\.bias is missing/],
    ['another shape', 'residual_net.5.weight', [9], /residual_net\.5\.weight is \[9\], expected \[8\]/],
    ['an unknown tensor', 'extra.weight', [3], /extra\.weight is unknown/],
  ])('refuses %s', async (_name, tensor, shape, message) => {
    const shapes = await shapesOf('amn');
    if (shape) shapes.set(tensor, shape);
    else shapes.delete(tensor);
    expect(() => inferModel(shapes, {}, 'f')).toThrow(message);
  });

  it('refuses a model other than the requested one', async () => {
    const shapes = await shapesOf('amn');
    expect(() => inferModel(shapes, { modelType: 'gru' }, 'f')).toThrow(/no gru/);
  });
});
