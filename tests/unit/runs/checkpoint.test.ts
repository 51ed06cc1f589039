/** Safetensors and checkpoints: round trip bit for bit; damaged files are refused. */
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GramArray, GramState } from '#engine/gram/state.ts';
import { Random } from '#engine/random.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { defaultGramSpec } from '#shared/domain/models/gram.ts';
import { sha256 } from '../../../src/main/checkpoints/manifest.ts';
import { readAny, readCheckpoint } from '../../../src/main/checkpoints/read.ts';
import { findResumable, listCheckpointFolders, removeReplaced } from '../../../src/main/checkpoints/resume.ts';
import { writeCheckpoint } from '../../../src/main/checkpoints/write.ts';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../../../src/main/formats/safetensors.ts';
import { SMALL_SPEC, checkpointAt } from '../../support/checkpoint.ts';

const tensorMap = fc
  .uniqueArray(fc.tuple(fc.string({ maxLength: 12 }), fc.array(fc.nat(4), { maxLength: 3 })), {
    selector: ([name]) => name,
    maxLength: 5,
  })
  .map((entries) => {
    const random = new Random(entries.length);
    return new Map<string, Tensor>(
      entries
        .filter(([name]) => name !== '__metadata__' && name !== '__proto__')
        .map(([name, shape]) => {
          const length = shape.reduce((a, b) => a * b, 1);
          return [name, { shape, data: Float32Array.from({ length }, () => random.normal()) }];
        }),
    );
  });

/** What a reader made of a file: all tensors as long as their shapes say, a refusal, or something worse. */
function readOrRefuse(file: Uint8Array): string {
  try {
    const tensors = [...decodeSafetensors(file, 'x').tensors.values()];
    const isWhole = tensors.every(({ shape, data }) => data.length === shape.reduce((a, b) => a * b, 1));
    return isWhole ? 'whole' : 'a tensor that is not its shape';
  } catch (error) {
    return error instanceof NextvecError ? 'refused' : String(error);
  }
}

describe('safetensors', () => {
  test('round trip of any names and shapes', () => {
    fc.assert(
      fc.property(
        tensorMap,
        fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
        (tensors, metadata) => {
          const file = encodeSafetensors(tensors, metadata);
          expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
          const read = decodeSafetensors(file, 'x');
          expect(read.tensors.size).toBe(tensors.size);
          for (const [name, { shape, data }] of tensors) {
            expect(read.tensors.get(name)?.shape).toEqual(shape);
            expect(read.tensors.get(name)?.data).toEqual(data);
          }
          expect(read.metadata).toEqual(metadata);
        },
      ),
    );
  });

  test('NaN payloads, infinities and −0 keep their bits', () => {
    const bits = Uint32Array.of(0x7fc00001, 0xff800000, 0x80000000, 1);
    const file = encodeSafetensors(new Map([['x', { shape: [4], data: new Float32Array(bits.buffer) }]]));
    const { data } = decodeSafetensors(file, 'x').tensors.get('x')!;
    expect(new Uint32Array(data.buffer)).toEqual(bits);
  });

  const whole = encodeSafetensors(new Map([['w', { shape: [2, 3], data: new Float32Array(6) }]]), { format: 'pt' });
  const withHeader = (header: string): Uint8Array => {
    const json = new TextEncoder().encode(header);
    const file = new Uint8Array(8 + json.length + 24);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(json, 8);
    return file;
  };
  test.each([
    ['empty', new Uint8Array(0), 'fewer than 8'],
    ['cut in the header', whole.subarray(0, 20), 'length is given'],
    ['cut in the data', whole.subarray(0, whole.length - 1), 'the file holds 23'],
    ['bytes after the data', Uint8Array.from([...whole, 0]), 'the file holds 25'],
    ['no JSON', withHeader('{"w":'), 'not JSON'],
    ['a list', withHeader('[]'), 'not a JSON object'],
    ['another type', withHeader('{"w":{"dtype":"F16","shape":[12],"data_offsets":[0,24]}}'), 'float16'],
    [
      'a negative size',
      withHeader('{"w":{"dtype":"F32","shape":[-6],"data_offsets":[0,24]}}'),
      'w is not valid (shape)',
    ],
    [
      'a tensor named twice',
      withHeader(
        '{"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]},"\\u0077":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}',
      ),
      '"w" stands in it twice',
    ],
    [
      'a shape given twice',
      withHeader('{"w":{"dtype":"F32","shape":[6],"shape":[6],"data_offsets":[0,24]}}'),
      '"shape" stands in it twice',
    ],
    ['sizes that do not fit', withHeader('{"w":{"dtype":"F32","shape":[7],"data_offsets":[0,24]}}'), 'does not fill'],
    ['a hole', withHeader('{"w":{"dtype":"F32","shape":[5],"data_offsets":[4,24]}}'), 'begins at byte 4'],
    [
      'an overlap',
      withHeader(
        '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[3],"data_offsets":[12,24]}}',
      ),
      'begins at byte 12',
    ],
    [
      'metadata of numbers',
      withHeader('{"__metadata__":{"a":1},"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}'),
      'map of texts',
    ],
  ])('a file that is %s is refused with its place', (_, file, words) => {
    expect(() => decodeSafetensors(file, 'weights.safetensors')).toThrow(
      expect.objectContaining({ code: 'BAD_CHECKPOINT', message: expect.stringContaining(words) }),
    );
    expect(() => decodeSafetensors(file, 'weights.safetensors')).toThrow(/^weights\.safetensors: /);
  });

  test('mutated bytes are read or refused', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (edits) => {
          const file = whole.slice();
          for (const [at, byte] of edits) file[at] = byte;
          const outcome = readOrRefuse(file);
          expect(outcome).toMatch(/^(whole|refused)$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const RUN = { runId: 'r', weightHashes: {} };

describe('a checkpoint', () => {
  let runFolder: string;
  const options = () => ({ runFolder, runId: 'r', spec: SMALL_SPEC, valCosine: 0.25 });
  beforeEach(() => {
    runFolder = mkdtempSync(join(tmpdir(), 'nextvec-checkpoint-'));
  });
  afterEach(() => rmSync(runFolder, { recursive: true, force: true }));

  test('of a fit is read back bit for bit, and has no model', async () => {
    const { state } = checkpointAt(3);
    const arrays = new Map<string, GramArray>([
      ['clusters', Uint32Array.of(1, 0, 2)],
      ['std', Float32Array.of(1.5, Infinity, -0)],
      ['epochs', Float64Array.of(Math.PI, NaN)],
    ]);
    const fit: GramState = { version: 1, step: 5, arrays };
    const spec = defaultGramSpec(3, 4);
    const stored = await writeCheckpoint({ kind: 'last', state, fit }, { ...options(), spec, kind: 'last' });
    const folder = join(runFolder, stored.folder);
    expect(await readAny(folder, RUN)).toMatchObject({ kind: 'last', spec, state, fit });
    await expect(readCheckpoint(folder, RUN)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(readAny(folder, { runId: 'r', weightHashes: { [stored.folder]: 'f'.repeat(64) } })).rejects.toThrow(
      /not the ones the history recorded/,
    );
  });

  test('is hashed in pieces to the same hash', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    expect(sha256(bytes, 7)).toBe(sha256(bytes));
    expect(sha256(new Uint8Array())).toMatch(/^e3b0c442/);
  });

  test('is read back bit for bit', async () => {
    const saved = checkpointAt(12);
    const stored = await writeCheckpoint(saved, { ...options(), kind: 'last' });
    const read = await readCheckpoint(join(runFolder, stored.folder), RUN);
    expect(read).toMatchObject({ kind: 'last', spec: SMALL_SPEC, valCosine: 0.25, state: saved.state });
    expect(read.parameters).toEqual(saved.parameters);
    expect(read.optimizer).toEqual(saved.optimizer);
    expect(read.golden).toEqual(saved.golden);
  });

  test('replaces the previous of its kind; kept ones stay; best has no optimiser state', async () => {
    for (const step of [10, 20]) {
      await writeCheckpoint(checkpointAt(step), { ...options(), kind: 'last' });
      await writeCheckpoint(checkpointAt(step), { ...options(), kind: 'kept' });
      await writeCheckpoint(checkpointAt(step), { ...options(), kind: 'best' });
    }
    expect(readdirSync(runFolder).toSorted()).toEqual([
      'best-0000000020-0',
      'kept-0000000010-0',
      'kept-0000000020-0',
      'last-0000000020-0',
    ]);
    expect((await readCheckpoint(join(runFolder, 'best-0000000020-0'), RUN)).optimizer).toBeNull();
  });

  test('two of one step do not overwrite each other', async () => {
    await writeCheckpoint(checkpointAt(10), { ...options(), kind: 'last' });
    const { folder } = await writeCheckpoint(checkpointAt(10), { ...options(), kind: 'last' });
    expect(folder).toBe('last-0000000010-1');
    expect(await listCheckpointFolders(runFolder, ['last'])).toEqual([folder]);
  });

  test('is invisible while half written', async () => {
    await writeCheckpoint(checkpointAt(10), { ...options(), kind: 'last' });
    const { folder } = await writeCheckpoint(checkpointAt(20), { ...options(), kind: 'kept' });
    renameSync(join(runFolder, folder), join(runFolder, `.${folder}.tmp`));
    expect((await findResumable(runFolder, RUN))?.checkpoint.state.step).toBe(10);
  });

  test.each(['model.safetensors', 'optimizer.safetensors', 'golden.safetensors', 'checkpoint.json'])(
    'with any byte of %s changed is passed over for an older one',
    async (file) => {
      await writeCheckpoint(checkpointAt(10), { ...options(), kind: 'kept' });
      const { folder } = await writeCheckpoint(checkpointAt(20), { ...options(), kind: 'last' });
      const path = join(runFolder, folder, file);
      const intact = readFileSync(path);
      const random = new Random(3);
      for (let i = 0; i < 40; i++) {
        const bytes = Buffer.from(intact);
        bytes[random.integer(bytes.length)] ^= 0x55;
        writeFileSync(path, bytes);
        const found = await findResumable(runFolder, RUN);
        // In the JSON, white space may change; values may not.
        const isUnchanged = file === 'checkpoint.json' && found?.skipped.length === 0;
        expect(found?.checkpoint.state).toEqual(checkpointAt(isUnchanged ? 20 : 10).state);
        expect(isUnchanged || found?.skipped[0].includes(file)).toBe(true);
      }
    },
  );

  test('replaces older ones also when its writer was killed before removing them', async () => {
    const { folder: older } = await writeCheckpoint(checkpointAt(10), { ...options(), kind: 'last' });
    const aside = join(runFolder, 'aside');
    renameSync(join(runFolder, older), aside);
    const { folder: newer } = await writeCheckpoint(checkpointAt(20), { ...options(), kind: 'last' });
    renameSync(aside, join(runFolder, older));
    const both = () => listCheckpointFolders(runFolder, ['last']);
    const model = join(runFolder, newer, 'model.safetensors');
    const intact = readFileSync(model);
    writeFileSync(model, 'damaged');
    const spare = await findResumable(runFolder, RUN);
    await removeReplaced(runFolder, spare!.checkpoint);
    expect(await both()).toEqual([newer, older]);
    writeFileSync(model, intact);
    const found = await findResumable(runFolder, RUN);
    await removeReplaced(runFolder, found!.checkpoint);
    expect(await both()).toEqual([newer]);
  });

  test("of another run, or with other weights than the history lists, is passed over for the run's own", async () => {
    const { folder, sha256 } = await writeCheckpoint(checkpointAt(10), { ...options(), kind: 'kept' });
    const foreign = await writeCheckpoint(checkpointAt(30), { ...options(), runId: 'other', kind: 'kept' });
    const exchanged = await writeCheckpoint(checkpointAt(20), { ...options(), kind: 'kept' });
    const run = { runId: 'r', weightHashes: { [folder]: sha256, [exchanged.folder]: foreign.sha256 } };
    const found = await findResumable(runFolder, run);
    expect(found?.checkpoint.folder).toBe(join(runFolder, folder));
    expect(found?.skipped).toEqual([
      expect.stringContaining('it is of run other, not of run r'),
      expect.stringContaining('not the ones the history recorded'),
    ]);
    expect((await findResumable(runFolder, { runId: 'other', weightHashes: {} }))?.checkpoint.state.step).toBe(30);
  });

  test('is refused with its place when damaged and the only one', async () => {
    const { folder } = await writeCheckpoint(checkpointAt(20), { ...options(), kind: 'last' });
    writeFileSync(join(runFolder, folder, 'model.safetensors'), 'gone');
    await expect(findResumable(runFolder, RUN)).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringContaining('model.safetensors'),
    });
    expect(await findResumable(join(runFolder, 'nowhere'), RUN)).toBeNull();
  });
});
