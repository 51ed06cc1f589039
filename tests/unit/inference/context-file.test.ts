/** Contexts from a file: the rows that are asked for, whatever the memory order and the number of axes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultSpec } from '#shared/domain/models/models.ts';
import { rowsOfFile } from '../../../src/main/inference/contexts.ts';
import { npyBytes, testFolder } from '../datasets/helpers.ts';

const [B, T, D] = [4, 3, 5];
const spec = defaultSpec('amn', T, D);
const values = Float32Array.from({ length: B * T * D }, (_, i) => i + 1);

it.each([false, true])('picks rows of [B, T, D] (Fortran order: %s)', async (fortran) => {
  const path = join(testFolder(), 'x.npy');
  writeFileSync(path, npyBytes({ name: 'x', shape: [B, T, D], values, fortran }));
  const { contexts, rows } = await rowsOfFile(path, [3, 1], spec);
  expect(rows).toEqual([3, 1]);
  const row = (b: number): number[] => [...values.subarray(b * T * D, (b + 1) * T * D)];
  expect([...contexts]).toEqual([...row(3), ...row(1)]);
});

it.each([false, true])('takes [T, D] as one context (Fortran order: %s)', async (fortran) => {
  const path = join(testFolder(), 'x.npy');
  const one = values.subarray(0, T * D);
  writeFileSync(path, npyBytes({ name: 'x', shape: [T, D], values: one, fortran }));
  expect([...(await rowsOfFile(path, null, spec)).contexts]).toEqual([...one]);
});

it('refuses a float64 that float32 cannot hold, by element', async () => {
  const path = join(testFolder(), 'x.npy');
  const wide = Float64Array.from(values);
  wide[T * D + 2 * D + 3] = 1e300;
  writeFileSync(path, npyBytes({ name: 'x', shape: [B, T, D], values: wide, dtype: 'f8' }));
  await expect(rowsOfFile(path, [1], spec)).rejects.toThrow('element [1, 2, 3] is 1e+300, too large for float32');
});

it.each([NaN, Infinity, -Infinity])('refuses %s in a row that is asked for, by element', async (value) => {
  const path = join(testFolder(), 'x.npy');
  const odd = Float32Array.from(values);
  odd[T * D + 2 * D + 3] = value;
  writeFileSync(path, npyBytes({ name: 'x', shape: [B, T, D], values: odd }));
  const refused = { code: 'NOT_FINITE', message: expect.stringContaining('element [1, 2, 3] is ') as string };
  await expect(rowsOfFile(path, [3, 1], spec)).rejects.toMatchObject(refused);
  await expect(rowsOfFile(path, [0, 2], spec)).resolves.toMatchObject({ rows: [0, 2] });
});

it('refuses NaN in a single context, by element', async () => {
  const path = join(testFolder(), 'x.npy');
  const one = values.slice(0, T * D);
  one[D + 4] = NaN;
  writeFileSync(path, npyBytes({ name: 'x', shape: [T, D], values: one }));
  await expect(rowsOfFile(path, null, spec)).rejects.toThrow('element [1, 4] is NaN');
});
