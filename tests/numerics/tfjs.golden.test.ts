/** Every model on every tfjs engine that runs here, against the PyTorch references. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { GRADIENT_TYPES } from '#shared/domain/models/models.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import { verifyAgainstGolden } from '#engine/verify.ts';
import { GOLDEN_FILES } from '../support/golden.ts';
import { testHost } from '../support/host.ts';
import { readNpz } from '../support/npz.ts';

describe.each(['cpu', 'wasm'] as const)('%s', (name) => {
  test.each(GRADIENT_TYPES)('%s agrees with PyTorch and leaks no tensor', async (model) => {
    const engine = await createTfjsEngine(name, testHost);
    const before = tf.memory().numTensors;
    const result = await verifyAgainstGolden(engine, await readNpz(`tests/fixtures/golden/${model}.npz`));
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ model, engine: name, pass: true });
    expect(result.maxRelError.grad).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each(GOLDEN_FILES.filter((file) => file.includes('golden-more')))('agrees with %s', async (file) => {
    const engine = await createTfjsEngine(name, testHost);
    const arrays = await readNpz(file);
    const { failures, skippedTerms } = await verifyAgainstGolden(engine, arrays);
    expect(failures).toEqual([]);
    expect(skippedTerms).toEqual(TERMS.filter((term) => !arrays.has(`loss/${term}`)));
  });
});
