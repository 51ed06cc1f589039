/** docs/gram_loader.py against the kernels, where NEXTVEC_TEST_PYTHON names a Python with torch and safetensors. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { encodeSafetensors } from '../../src/main/formats/safetensors.ts';
import { smallExtras, trainSmallMixture } from '../support/gram.ts';
import { testFolder } from '../unit/datasets/helpers.ts';

const python = process.env.NEXTVEC_TEST_PYTHON;

test.skipIf(!python).each([
  ['as trained', {}, []],
  ['without neighbours and filters', { neighbours: [], filters: [] }, []],
  ['with fewer keys than neighbours', { maxKeys: 12 }, []],
  ['with a model of each type among its parts', {}, smallExtras()],
])('a Gram mixture %s', { timeout: 120_000 }, async (_name, changes, extras) => {
  const { spec, parameters, contexts, B, raw } = await trainSmallMixture(changes, extras);
  const { T, D } = spec;
  const folder = testFolder();
  const write = async (name: string, file: Uint8Array) => {
    await writeFile(join(folder, name), file);
    return join(folder, name);
  };
  const weights = new Map(
    parameterShapes(spec).map(({ name, shape }) => [name, { shape, data: parameters.get(name)! }]),
  );
  const golden = new Map([
    ['contexts', { shape: [B, T, D], data: contexts }],
    ['raw', { shape: [B, D], data: raw }],
  ]);
  const { stdout } = await promisify(execFile)(python!, [
    'docs/gram_loader.py',
    await write('mixture.safetensors', encodeSafetensors(weights)),
    await write('golden.safetensors', encodeSafetensors(golden)),
  ]);
  expect(Number(stdout)).toBeLessThan(1e-5);
});
