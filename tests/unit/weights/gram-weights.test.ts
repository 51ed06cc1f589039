/** A Gram mixture through files: exported, imported, and refused where the file is damaged. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { DEFAULT_GRAM_CONFIG } from '#engine/gram/config.ts';
import { GramModel } from '#engine/gram/model.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { readCheckpoint } from '../../../src/main/checkpoints/read.ts';
import { encodeNpz } from '../../../src/main/formats/npy/write.ts';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../../../src/main/formats/safetensors.ts';
import { MODEL_FORMATS, type ModelFormat } from '../../../src/main/processes/jobs/export-model.ts';
import { importWeights } from '../../../src/main/runs/imports/convert-weights.ts';
import { exportModel } from '../../../src/main/runs/exports/export-model.ts';
import { readModelWeights } from '../../../src/main/weights/model-weights.ts';
import { SMALL_CONFIG, smallExtras, trainSmallMixture, type SmallMixture } from '../../support/gram.ts';
import { largestOnnxError } from '../../support/onnx.ts';
import { simdHost } from '../../support/simd-host.ts';
import { testFolder } from '../datasets/helpers.ts';

vi.setConfig({ hookTimeout: 120_000, testTimeout: 60_000 });

let mixture: SmallMixture;
let plain: SmallMixture;

beforeAll(async () => {
  mixture = await trainSmallMixture({ gate: { ...SMALL_CONFIG.gate, hidden: DEFAULT_GRAM_CONFIG.gate.hidden } });
  plain = await trainSmallMixture({ neighbours: [], filters: [], pooledRidges: [] });
});

function tensorsOf({ spec, parameters }: SmallMixture): Map<string, Tensor> {
  return new Map(
    parameterShapes(spec).map(({ name, shape }) => [name, { shape, data: parameters.get(name)!.slice() }]),
  );
}

const ENCODERS = { safetensors: encodeSafetensors, npz: encodeNpz } as const;

async function writeWeights(tensors: Map<string, Tensor>, format: keyof typeof ENCODERS = 'safetensors') {
  const path = join(testFolder(), `mixture.${format}`);
  await writeFile(path, ENCODERS[format](tensors));
  return path;
}

describe('reading', () => {
  it.each(['safetensors', 'npz'] as const)(
    '%s holds spec and tensors, infinite standard deviations too',
    async (format) => {
      for (const trained of [mixture, plain]) {
        const { spec, parameters, assumed } = await readModelWeights(await writeWeights(tensorsOf(trained), format));
        expect(spec).toEqual(trained.spec);
        expect(parameters).toEqual(trained.parameters);
        expect(assumed).toEqual([]);
      }
      expect(mixture.parameters.get('gate_std')).toContain(Infinity);
    },
  );

  it('names under the prefix of a wrapper are read', async () => {
    const tensors = new Map([...tensorsOf(mixture)].map(([name, tensor]) => [`model.${name}`, tensor]));
    expect((await readModelWeights(await writeWeights(tensors))).spec).toEqual(mixture.spec);
  });

  it.each([
    ['settings.ridges', { shape: [3], data: Float32Array.of(3, -30, 300) }],
    ['settings.start_ridge', { shape: [1], data: Float32Array.of(Number.NaN) }],
    ['settings.start_ridge', null],
    ['settings.filters', { shape: [3], data: Float32Array.of(0.1, 1, Infinity) }],
    ['settings.pooled_ridges', { shape: [2000], data: new Float32Array(2000).fill(1) }],
    ['settings.neighbours', { shape: [2, 2], data: Float32Array.of(4.5, 0.05, 16, 0.1) }],
    ['settings.neighbours', { shape: [2, 2], data: Float32Array.of(4, 0, 16, 0.1) }],
    ['settings.neighbours', { shape: [3], data: Float32Array.of(4, 0.05, 16) }],
  ] as const)('a damaged %s is refused by name', async (name, tensor) => {
    const tensors = tensorsOf(mixture);
    if (tensor) tensors.set(name, tensor);
    else tensors.delete(name);
    const refused = readModelWeights(await writeWeights(tensors));
    await expect(refused).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringMatching(new RegExp(`^mixture\\.safetensors.*${name.replace('.', '\\.')}`)) as string,
    });
  });

  it('a start ridge that is none of the ridges is refused', async () => {
    const tensors = tensorsOf(mixture).set('settings.start_ridge', { shape: [1], data: Float32Array.of(31) });
    await expect(readModelWeights(await writeWeights(tensors))).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringContaining('λ 31') as string,
    });
  });

  it('neighbours without keys are refused', async () => {
    const tensors = tensorsOf(mixture);
    for (const name of ['keys', 'values']) {
      tensors.set(name, { shape: [0, mixture.spec.D], data: new Float32Array() });
    }
    await expect(readModelWeights(await writeWeights(tensors))).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  });

  it.each([
    ['gate_std', 0, 'BAD_CHECKPOINT'],
    ['gate_std', Number.NaN, 'BAD_CHECKPOINT'],
    ['gate_std', -Infinity, 'BAD_CHECKPOINT'],
    ['gate_mean', Infinity, 'NOT_FINITE'],
    ['keys', Infinity, 'NOT_FINITE'],
    ['scale', Number.NaN, 'NOT_FINITE'],
  ] as const)('%s with an element %d is refused', async (name, value, code) => {
    const tensors = tensorsOf(mixture);
    tensors.get(name)!.data[2] = value;
    await expect(readModelWeights(await writeWeights(tensors))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`${name}: element 2 is ${value}`) as string,
    });
  });
});

describe('an imported run', () => {
  const runId = 'abc';

  async function importMixture(trained: SmallMixture) {
    const runFolder = join(testFolder(), runId);
    await mkdir(runFolder);
    const imported = await importWeights({
      path: await writeWeights(tensorsOf(trained)),
      runId,
      runFolder,
      resourcesDir: 'resources',
      modelType: null,
      contextLength: null,
      heads: null,
      dataset: null,
      ood: null,
    });
    const { folder, sha256 } = imported.checkpoint!;
    const run = { runId, weightHashes: { [folder]: sha256 } };
    return { imported, run, checkpoint: join(runFolder, folder) };
  }

  it.each([
    ['with neighbours', () => mixture, { gram: { neighbours: 'on' }, sizes: null }],
    ['without, its gates smaller', () => plain, { gram: { neighbours: 'off' }, sizes: { hiddenDim: 6 } }],
  ] as const)('%s predicts the same bits as the trained mixture', async (_name, trained, recipe) => {
    const { imported, run, checkpoint } = await importMixture(trained());
    const { spec, parameters } = await readCheckpoint(checkpoint, run);
    const runtime = await createRuntime({ host: await simdHost(), threads: 1 });
    const model = await GramModel.open(runtime, spec as SmallMixture['spec'], parameters);
    const { raw } = await model.predict(trained().contexts, trained().B);
    await model.dispose();
    expect(raw).toEqual(trained().raw);
    expect(imported.recipe).toMatchObject({ modelType: 'gram', ...recipe });
    expect(imported.imported.golden).toMatchObject({ madeOn: 'simd', reproducedOn: 'simd', maxRelative: 0 });
    expect(imported.notes.join(' ')).toContain('not checked by a second one');
  });

  it('with an AMN and an LSTM among its parts is exported in every format', async () => {
    const trained = await trainSmallMixture({}, smallExtras().slice(0, 2));
    const { imported, run, checkpoint } = await importMixture(trained);
    const folder = testFolder();
    const exported = async (format: ModelFormat) => {
      const target = join(folder, format);
      await exportModel({
        ...run,
        format,
        checkpoint,
        target,
        recipe: { ...imported.recipe, threads: 1 },
        resourcesDir: 'resources',
        engine: null,
        version: '0',
        run: { number: 1, name: 'mixture' },
        task: { context: 3, history: 8 },
      });
      return target;
    };
    const paths: Record<string, string> = {};
    for (const format of MODEL_FORMATS) paths[format] = await exported(format);
    for (const format of ['safetensors', 'npz']) {
      expect((await readModelWeights(paths[format])).parameters).toEqual(trained.parameters);
    }
    const { metadata } = decodeSafetensors(await readFile(paths.safetensors), 'exported');
    expect(metadata).toEqual({ format: 'pt', model: 'gram' });
    expect(await largestOnnxError(await readFile(paths.onnx), await readFile(paths.golden))).toBeLessThan(1e-5);
    const graph = JSON.parse(await readFile(join(paths.tfjs, 'model.json'), 'utf8')) as {
      userDefinedMetadata: Record<string, string>;
    };
    const parts = JSON.parse(graph.userDefinedMetadata['nextvec.parts']) as string[];
    const inputs = ['article mean', 'history mean', 'x 1', 'x 2', 'x 3'];
    expect(JSON.parse(graph.userDefinedMetadata['nextvec.inputs'])).toEqual(inputs);
    expect(parts.slice(0, 7)).toEqual([...inputs, 'corpus mean', 'ridge λ 3']);
    expect(parts.slice(-2)).toEqual(['AMN', 'LSTM']);
  });
});
