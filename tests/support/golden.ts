/** The PyTorch reference files that `fixtures/make_golden.py` wrote. */
import { readdirSync } from 'node:fs';

export const GOLDEN_FILES: readonly string[] = ['golden', 'golden-more'].flatMap((folder) =>
  readdirSync(`tests/fixtures/${folder}`)
    .filter((name) => name.endsWith('.npz'))
    .map((name) => `tests/fixtures/${folder}/${name}`),
);
