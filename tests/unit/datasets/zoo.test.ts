import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isBadInput, isNextvecError } from '#shared/domain/errors.ts';
import { PassportSchema, type WarningCode } from '#shared/domain/datasets/passport.ts';
import { importDataset } from '../../../src/main/datasets/import/import.ts';
import { inspectFile } from '../../support/inspect.ts';
import { testFolder } from './helpers.ts';

const ZOO = join(import.meta.dirname, '../../fixtures/zoo');
const EntrySchema = z.object({
  verdict: z.enum(['ok', 'warn', 'reject']),
  why: z.string(),
  n: z.number().optional(),
  T: z.number().optional(),
  D: z.number().optional(),
  rows: z.number().optional(),
  articles: z.number().optional(),
  crossing: z.number().optional(),
  duplicates: z.number().optional(),
  val_n: z.number().optional(),
  windows_within_articles: z.number().optional(),
  checksum: z.tuple([z.number(), z.number()]).optional(),
});
const MANIFEST = z.record(z.string(), EntrySchema).parse(JSON.parse(readFileSync(join(ZOO, 'manifest.json'), 'utf8')));

const WARNINGS: Record<string, WarningCode> = {
  'not_normalised.npz': 'NOT_UNIT',
  'zero_rows.npz': 'ZERO_ROWS',
  'duplicates.npz': 'DUPLICATES',
  'evil_pickle.npz': 'METADATA_REFUSED',
  'compressed_meta.npz': 'CROSSINGS',
  'keys_train_prefixed.npz': 'SPLITS_OVERLAP',
};

const REFUSALS: Record<string, string> = {
  'nan_inf.npz': 'NOT_FINITE',
  'count_mismatch.npz': 'COUNT_MISMATCH',
  'dim_mismatch.npz': 'WIDTH_MISMATCH',
  'wrong_rank.npz': 'WRONG_RANK',
  'no_known_keys.npz': 'NO_KNOWN_ARRAYS',
  'integers.npz': 'UNSUPPORTED_DTYPE',
  'empty.npz': 'EMPTY',
  'truncated.npz': 'ARCHIVE_TRUNCATED',
  'corrupt.npz': 'CHECKSUM_MISMATCH',
  'not_a_zip.npz': 'NOT_AN_ARCHIVE',
  'shape_lies.npz': 'HEADER_MISMATCH',
  'path_traversal.npz': 'UNSAFE_MEMBER_NAME',
};

const entries = Object.entries(MANIFEST);
const accepted = entries.filter(([, entry]) => entry.verdict !== 'reject');
const refused = entries.filter(([, entry]) => entry.verdict === 'reject');

it('the manifest lists the files these tests know', () => {
  expect(entries).toHaveLength(25);
  expect(refused.map(([file]) => file).toSorted()).toEqual(Object.keys(REFUSALS).toSorted());
});

describe('files that must load', () => {
  it.each(accepted)('%s', async (file, entry) => {
    const passport = PassportSchema.parse(await inspectFile(join(ZOO, file)));
    const said = {
      rows: entry.rows ?? (entry.n ?? 0) + (entry.val_n ?? 0),
      T: entry.T ?? 5,
      D: entry.D,
      articles: entry.articles ?? null,
      crossings: entry.crossing ?? (entry.rows === undefined ? null : 0),
      windows: entry.windows_within_articles ?? (entry.n ?? 0) + (entry.val_n ?? 0),
      duplicates: entry.duplicates ?? 0,
      splits: entry.val_n === undefined ? null : { train: entry.n, val: entry.val_n },
    };
    expect(passport).toMatchObject(said);
    const sums = entry.checksum ?? passport.checksum ?? [NaN, NaN];
    expect(passport.checksum).toEqual([expect.closeTo(sums[0], 9), expect.closeTo(sums[1], 9)]);
    const codes = passport.warnings.map((warning) => warning.code);
    expect(codes).toEqual(WARNINGS[file] ? [WARNINGS[file]] : []);
  });

  it('warnings carry counts', async () => {
    const zero = await inspectFile(join(ZOO, 'zero_rows.npz'));
    expect(zero.zeroRows).toBe(2);
    expect(zero.warnings).toMatchObject([{ code: 'ZERO_ROWS', count: 2 }]);
    const long = await inspectFile(join(ZOO, 'not_normalised.npz'));
    expect(long.nonUnitRows).toBe(160 * 6);
    expect(long.norm.mean).toBeCloseTo(3, 6);
    const crossing = await inspectFile(join(ZOO, 'compressed_meta.npz'));
    expect(crossing.warnings).toMatchObject([{ code: 'CROSSINGS', count: 11 }]);
    const overlap = await inspectFile(join(ZOO, 'keys_train_prefixed.npz'));
    expect(overlap.warnings).toMatchObject([{ code: 'SPLITS_OVERLAP', count: 20 }]);
  });

  it('names the function a pickle would call, without calling it', async () => {
    const before = readdirSync(process.cwd());
    const passport = await inspectFile(join(ZOO, 'evil_pickle.npz'));
    expect(passport.warnings[0].message).toContain('it would call posix.system');
    expect(existsSync('PWNED_BY_PICKLE')).toBe(false);
    expect(readdirSync(process.cwd())).toEqual(before);
  });
});

describe('files that must be refused', () => {
  it.each(refused)('%s leaves no files', async (file) => {
    const folder = testFolder();
    const error: unknown = await importDataset(join(ZOO, file), join(folder, 'dataset')).catch((e: unknown) => e);
    if (!isNextvecError(error)) throw error;
    expect(error.code).toBe(REFUSALS[file]);
    expect(isBadInput(error.code)).toBe(true);
    expect(error.message).toContain(file);
    expect(error.remedy).toBeTruthy();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('windows under unknown names: the remedy gives the known ones', async () => {
    await expect(inspectFile(join(ZOO, 'no_known_keys.npz'))).rejects.toMatchObject({
      message: expect.stringContaining('"foo"'),
      remedy: expect.stringContaining('context_sequences [N,T,D] and target_vectors [N,D]'),
    });
  });

  it('gives the position of a non-finite number', async () => {
    await expect(inspectFile(join(ZOO, 'nan_inf.npz'))).rejects.toThrow('element [3, 1, 4] is NaN');
  });
});
