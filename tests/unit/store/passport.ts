/** The passport of a small chunk file. */
import type { Passport } from '#shared/domain/datasets/passport.ts';

export const passport: Passport = {
  kind: 'chunks',
  rows: 480,
  windows: 280,
  T: 5,
  history: null,
  D: 16,
  vectors: 480,
  articles: 40,
  articleRange: [0, 39],
  norm: { mean: 1, std: 0, min: 1, max: 1 },
  value: { mean: 0, std: 0.25 },
  zeroRows: 0,
  nonUnitRows: 0,
  duplicates: 0,
  coherence: { mean: 0.7, p10: 0.5, p50: 0.7, p90: 0.9, shareBelow030: 0 },
  positionToTarget: [0.7, 0.7, 0.7, 0.7, 0.7],
  crossings: 0,
  splits: null,
  sha256: 'a'.repeat(64),
  checksum: [1, 2],
  warnings: [],
};
