/** Cosines of a run's best epoch and of its baselines, summed over articles or blocks of windows. */
import type { CosineSums, GroupSums } from '#shared/domain/evaluation/interval.ts';
import type { Db } from './database.ts';

const PARTS = ['validation', 'ood'] as const;

/** Adds or replaces the predictors that are given. */
export function putCosineSums(db: Db, runId: string, sums: CosineSums): void {
  const put = db.prepare(
    `INSERT OR REPLACE INTO cosine_sums (run_id, part, predictor, unit, windows, sums) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  for (const part of PARTS) {
    const of = sums[part];
    for (const [predictor, values] of Object.entries(of?.sums ?? {})) {
      if (of) put.run(runId, part, predictor, of.unit, bytesOf(of.windows), bytesOf(values));
    }
  }
}

interface SumsRow {
  readonly part: (typeof PARTS)[number];
  readonly predictor: string;
  readonly unit: GroupSums['unit'];
  readonly windows: Buffer;
  readonly sums: Buffer;
}

/** The model under `model`, the baselines under their names; null: a run of an earlier version, or not measured yet. */
export function cosineSums(db: Db, runId: string): CosineSums | null {
  return sumsOf(db, runId, 'TRUE');
}

/** The same without the model. */
export function baselineSums(db: Db, runId: string): CosineSums | null {
  return sumsOf(db, runId, "predictor <> 'model'");
}

function sumsOf(db: Db, runId: string, where: string): CosineSums | null {
  const rows = db
    .prepare<[string], SumsRow>(
      `SELECT part, predictor, unit, windows, sums FROM cosine_sums WHERE run_id = ? AND ${where}`,
    )
    .all(runId);
  const of = (part: SumsRow['part']): GroupSums | null => {
    const own = rows.filter((row) => row.part === part);
    if (own.length === 0) return null;
    const sums = Object.fromEntries(own.map(({ predictor, sums: bytes }) => [predictor, doublesOf(bytes)]));
    return { unit: own[0].unit, windows: doublesOf(own[0].windows), sums };
  };
  const validation = of('validation');
  return validation && { validation, ood: of('ood') };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function doublesOf(bytes: Buffer): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer);
}
