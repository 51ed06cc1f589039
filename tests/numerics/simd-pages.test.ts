/** Rows the threads read from a file: equal bits to rows in memory; errors fail the step. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import type { EngineHost, WindowSource } from '#engine/types.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { LOSS } from '../support/training.ts';
import { sharedStore } from '../support/shared-store.ts';
import { simdHost } from '../support/simd-host.ts';

const T = 5;
const WINDOWS = 200;
const BATCH = 20;

let host: EngineHost;
let folder: string;
beforeAll(async () => {
  host = await simdHost();
  folder = mkdtempSync(join(tmpdir(), 'nextvec-pages-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Sources {
  readonly shared: WindowSource;
  readonly paged: WindowSource;
  readonly file: string;
}

/** The same store in memory and in a file; every third window has scattered vectors. */
function sources(D: number, dtype: 'float32' | 'float16'): Sources {
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype });
  const { segments, index } = shared.shared!;
  const file = join(folder, `${dtype}-${D}.bin`);
  writeFileSync(file, Buffer.concat(segments.map((segment) => Buffer.from(segment))));
  const ids = new Uint32Array(index);
  const random = new Random(5);
  for (let w = 0; w < WINDOWS; w += 3) for (let t = 0; t <= T; t++) ids[w * (T + 1) + t] = random.integer(WINDOWS);
  const gather = (): void => {
    throw new Error('the threads read their rows themselves');
  };
  const paged = { windows: WINDOWS, T, D, gather, paged: { dtype, file, vectors: WINDOWS + T, index } };
  return { shared, paged, file };
}

async function losses(source: WindowSource, threads: number, steps = 30): Promise<number[]> {
  const spec: ModelSpec = { type: 'amn', T, D: source.D, dModel: 13, hiddenDim: 26 };
  const engine = await createSimdEngine({ host, threads });
  const optimizer = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 };
  const parameters = initialParameters(spec, 3);
  const model = await engine.createModel({ spec, loss: LOSS, optimizer, seed: 1, parameters, maxBatch: BATCH });
  const idsOf = (step: number): Uint32Array => {
    const random = new Random(step);
    return Uint32Array.from({ length: step % 7 === 0 ? 3 : BATCH }, () => random.integer(WINDOWS));
  };
  const totals: number[] = [];
  try {
    for (let step = 1; step <= steps; step++) {
      const nextIds = step % 5 === 0 ? undefined : idsOf(step + 1);
      totals.push((await model.trainStep({ source, ids: idsOf(step), nextIds, lr: 1e-3, step })).total);
    }
    return totals;
  } finally {
    await engine.dispose();
  }
}

// 48 values fill a row of WebAssembly memory, 40 leave a gap.
describe.each([40, 48])('D = %i', (D) => {
  test.each(['float32', 'float16'] as const)('%s at 1, 2 and 3 threads', async (dtype) => {
    const { shared, paged } = sources(D, dtype);
    const expected = await losses(shared, 2);
    for (const threads of [1, 2, 3]) expect(await losses(paged, threads)).toEqual(expected);
  });
});

test('a truncated file, a missing file and a vector past the end fail the step', async () => {
  const { paged, file } = sources(48, 'float32');
  truncateSync(file, 48 * 4 * 20);
  await expect(losses(paged, 1)).rejects.toThrow(/ends at byte \d+, before its vectors do/);
  await expect(losses(paged, 3)).rejects.toThrow(/gather/);
  rmSync(file);
  await expect(losses(paged, 2)).rejects.toThrow(/no such file/);
  const other = sources(48, 'float32').paged;
  const tooFew = { ...other, paged: { ...other.paged!, vectors: 30 } };
  await expect(losses(tooFew, 1)).rejects.toThrow(/vector \d+ lies outside the vector store/);
});
