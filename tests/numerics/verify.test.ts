/** `verify` with reference files of versions that had fewer or more loss terms. */
import { expect, test } from 'vitest';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import type { ReferenceArray } from '#engine/reference.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { verifyAgainstGolden, type VerifyResult } from '#engine/verify.ts';
import { testHost } from '../support/host.ts';
import { readNpz } from '../support/npz.ts';

const FILE = 'tests/fixtures/golden/amn.npz';

/** Verifies `FILE` with its λ changed and the arrays of `removed` terms taken out. */
async function verify(
  changeWeights: (weights: Record<string, number>) => void,
  removed?: string,
): Promise<VerifyResult> {
  const arrays = new Map<string, ReferenceArray>(await readNpz(FILE));
  const config = JSON.parse(arrays.get('config')!.data as string) as { weights: Record<string, number> };
  changeWeights(config.weights);
  arrays.set('config', { shape: [], data: JSON.stringify(config) });
  for (const name of ['loss', 'part_grad_norm']) arrays.delete(`${name}/${removed}`);
  const engine = await createTfjsEngine('cpu', testHost);
  try {
    return await verifyAgainstGolden(engine, arrays);
  } finally {
    await engine.dispose();
  }
}

function changeConfig(arrays: Map<string, ReferenceArray>, key: string, value: unknown): void {
  const config = JSON.parse(arrays.get('config')!.data as string) as Record<string, unknown>;
  arrays.set('config', { shape: [], data: JSON.stringify({ ...config, [key]: value }) });
}

test('a term that the file does not have is skipped and named', async () => {
  const result = await verify((weights) => delete weights.anti_copy, 'anti_copy');
  expect(result.skippedTerms).toContain('anti_copy');
  expect(result.maxRelError.loss.anti_copy).toBeNull();
  expect(result.maxRelError.partGradNorm.anti_copy).toBeNull();
  // Its λ was 0.05, so that every quantity of the total differs from the file, and nothing else.
  expect(result.failures.every((failure) => !/(loss|partGradNorm) .*\/anti_copy/.test(failure))).toBe(true);
  expect(result.maxRelError.partGradNorm.mse).toBeLessThan(1e-4);
});

test('a term of the file that this version does not have is skipped when its λ is 0', async () => {
  const result = await verify((weights) => (weights.later = 0));
  expect(result.failures).toEqual([]);
  expect(result.skippedTerms).toContain('later');
});

test('a file trained on a term that this version does not have is refused', async () => {
  await expect(verify((weights) => (weights.later = 0.5))).rejects.toThrow(/loss term "later" \(λ 0.5\)/);
});

test('a file that has λ of a term but not its loss is refused', async () => {
  await expect(verify(() => undefined, 'moment')).rejects.toThrow('loss/moment');
});

test.each<[string, (arrays: Map<string, ReferenceArray>) => void, RegExp]>([
  ['no configuration', (arrays) => arrays.delete('config'), /no text array "config"/],
  ['a configuration that is not JSON', (arrays) => arrays.set('config', { shape: [], data: '{' }), /is not JSON/],
  ['a configuration without τ', (arrays) => changeConfig(arrays, 'tau', undefined), /^.*tau of its array "config"/],
  ['a model without its size', (arrays) => changeConfig(arrays, 'd_model', undefined), /lacks d_model/],
  ['a parameter too few', (arrays) => arrays.delete('param/query_encoder.bias'), /no array param\/query_encoder.bias/],
  ['a target of another size', (arrays) => arrays.set('target', { shape: [1], data: [0] }), /target has 1 values/],
])('a file with %s is refused as input, not as a fault', async (_, damage, message) => {
  const arrays = new Map<string, ReferenceArray>(await readNpz(FILE));
  damage(arrays);
  const engine = await createTfjsEngine('cpu', testHost);
  const refusal = await verifyAgainstGolden(engine, arrays).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(NextvecError);
  expect(refusal).toMatchObject({ code: 'BAD_INPUT', message: expect.stringMatching(message) as string });
  await engine.dispose();
});
