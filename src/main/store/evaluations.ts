/** Rows of evaluations and of the claims reports make. Evaluations are only added; a claim is settled once. */
import { StoredClaimSchema, type StoredClaim } from '#shared/contract/evaluation.ts';
import type { ClaimOutcome } from '#shared/domain/verdicts/claims.ts';
import { EvaluationSchema, type Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Db } from './database.ts';
import { fromJson, readRecipe, wholeRows } from './stored-json.ts';

export function insertEvaluation(db: Db, evaluation: Evaluation): void {
  db.prepare(`INSERT INTO evaluations (run_id, dataset_id, part, at_ms, result_json) VALUES (?, ?, ?, ?, ?)`).run(
    evaluation.runId,
    evaluation.data.id,
    evaluation.data.part,
    Math.round(evaluation.evaluatedAt),
    JSON.stringify(evaluation),
  );
}

interface EvaluationRow {
  readonly dataset_id: string;
  readonly at_ms: number;
  readonly result_json: string;
}

/** Newest first. `damaged` gets a sentence for each row that is left out. */
export function listEvaluations(db: Db, runId: string, damaged?: string[]): Evaluation[] {
  const rows = db
    .prepare<[string], EvaluationRow>(
      'SELECT dataset_id, at_ms, result_json FROM evaluations WHERE run_id = ? ORDER BY at_ms DESC, id DESC',
    )
    .all(runId);
  const name = ({ dataset_id, at_ms }: EvaluationRow): string =>
    `The evaluation on data set ${dataset_id} of ${new Date(at_ms).toISOString()}`;
  return wholeRows(rows, ({ result_json }) => EvaluationSchema.parse(JSON.parse(result_json)), name, damaged);
}

/** Stores an expectation about the run's retrain; an open one of the same run is replaced. */
export function putClaim(db: Db, runId: string, recipe: Recipe, outcome: ClaimOutcome, atMs: number): void {
  db.transaction(() => {
    db.prepare(`DELETE FROM claims WHERE run_id = ? AND outcome = 'open'`).run(runId);
    db.prepare(
      `INSERT INTO claims (run_id, made_at_ms, recipe_json, outcome, outcome_json) VALUES (?, ?, ?, ?, ?)`,
    ).run(runId, atMs, JSON.stringify(recipe), outcome.outcome, JSON.stringify(outcome));
  }).immediate();
}

interface ClaimRow {
  id: number;
  run_id: string;
  made_at_ms: number;
  recipe_json: string;
  outcome_json: string;
}

/** null: the row's JSON is damaged. */
function fromRow(row: ClaimRow): StoredClaim | null {
  try {
    const claim: StoredClaim = {
      id: row.id,
      runId: row.run_id,
      madeAt: row.made_at_ms,
      recipe: readRecipe(row.recipe_json),
      outcome: fromJson(row.outcome_json),
    };
    return StoredClaimSchema.safeParse(claim).success ? claim : null;
  } catch {
    return null;
  }
}

/** Newest first. Damaged rows are left out: one of them must not hide the others. */
export function listClaims(db: Db): StoredClaim[] {
  return db
    .prepare<[], ClaimRow>('SELECT id, run_id, made_at_ms, recipe_json, outcome_json FROM claims ORDER BY id DESC')
    .all()
    .map(fromRow)
    .filter((claim) => claim !== null);
}

export function updateClaim(db: Db, id: number, outcome: ClaimOutcome): void {
  db.prepare('UPDATE claims SET outcome = ?, outcome_json = ? WHERE id = ?').run(
    outcome.outcome,
    JSON.stringify(outcome),
    id,
  );
}
