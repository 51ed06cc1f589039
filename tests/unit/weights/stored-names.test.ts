/** Whole models whose tensors are stored under wrapped names, beside counters, or in a pickle of a newer Python. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unwrappedName } from '#shared/domain/models/infer-model.ts';
import { readPickle } from '../../../src/main/formats/pickle/read.ts';
import { encodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { TORCH_VOCABULARY } from '../../../src/main/formats/torch/vocabulary.ts';
import { readModelWeights } from '../../../src/main/weights/model-weights.ts';
import { readWeightsFile } from '../../support/weights.ts';
import { testFolder } from '../datasets/helpers.ts';

const PLAIN = 'tests/fixtures/pt/amn.pt';

/** The tensors of the plain file under other names, with an int64 counter `n_averaged` behind them. */
async function renamed(rename: (name: string) => string): Promise<string> {
  const { tensors } = await readWeightsFile(PLAIN);
  const file = encodeSafetensors(new Map([...tensors].map(([name, tensor]) => [rename(name), tensor])));
  const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
  const dataBytes = file.length - 8 - headerBytes;
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes))) as Record<string, unknown>;
  header.n_averaged = { dtype: 'I64', shape: [], data_offsets: [dataBytes, dataBytes + 8] };
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  const path = join(testFolder(), 'model.bin');
  writeFileSync(path, Buffer.concat([size, json, file.subarray(8 + headerBytes), Buffer.alloc(8)]));
  return path;
}

describe('names of stored tensors', () => {
  it.each([
    ['torch.compile on a part', (name: string) => name.replace('residual_net.', 'residual_net._orig_mod.')],
    ['DataParallel', (name: string) => `module.${name}`],
    ['both, inside a Lightning module', (name: string) => `model._orig_mod.module.${name}`],
  ])('%s: gives the same parameters, without counters', async (_, rename) => {
    const plain = await readModelWeights(PLAIN);
    const found = await readModelWeights(await renamed(rename));
    expect(found.spec).toMatchObject({ type: 'amn', D: plain.spec.D });
    expect([...found.parameters]).toEqual([...plain.parameters]);
  });

  it('refuses a tensor that exists both wrapped and unwrapped', async () => {
    const { tensors } = await readWeightsFile(PLAIN);
    const bias = tensors.get('context_encoder.bias')!;
    const path = join(testFolder(), 'twice.safetensors');
    writeFileSync(path, encodeSafetensors(new Map([...tensors, ['module.context_encoder.bias', bias]])));
    await expect(readModelWeights(path)).rejects.toThrow('holds context_encoder.bias twice');
  });

  it('strips only whole name parts', () => {
    expect(unwrappedName('module.a._orig_mod.b')).toBe('a.b');
    expect(unwrappedName('submodule.module_list.0')).toBe('submodule.module_list.0');
  });
});

it.each(['pathlib', 'pathlib._local'])('reads a path pickled as %s', (module) => {
  const pickle = Buffer.from(`c${module}\nPosixPath\n(S'/'\nS'data'\nS'x.npz'\ntR.`);
  expect(readPickle(pickle, 'args', TORCH_VOCABULARY)).toBe('/data/x.npz');
});
