import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isBadInput, isNextvecError } from '#shared/domain/errors.ts';
import { importDataset } from '../../../src/main/datasets/import.ts';
import { mutate } from '../../../bench/support/mutate.ts';
import { testFolder } from './helpers.ts';

const ZOO = join(import.meta.dirname, '../../fixtures/zoo');
const ROUNDS_PER_FILE = 20;

it('damaged copies of every zoo file load or are refused as bad input, and nothing stays', async () => {
  const folder = testFolder();
  const outcomes = { loaded: 0, refused: 0 };
  for (const name of readdirSync(ZOO).filter((file) => file.endsWith('.npz'))) {
    const original = readFileSync(join(ZOO, name));
    for (let round = 0; round < ROUNDS_PER_FILE; round++) {
      const path = join(folder, 'mutant.npz');
      writeFileSync(path, mutate(original, round));
      const error: unknown = await importDataset(path, join(folder, 'store', `${name}-${round}`)).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) outcomes.loaded++;
      else if (isNextvecError(error) && isBadInput(error.code)) outcomes.refused++;
      else throw error;
    }
  }
  expect(outcomes.refused).toBeGreaterThan(100);
  const stored = readdirSync(folder).includes('store') ? readdirSync(join(folder, 'store')) : [];
  expect(stored).toHaveLength(outcomes.loaded);
  expect(stored.filter((entry) => entry.includes('.importing-'))).toEqual([]);
}, 120_000);
