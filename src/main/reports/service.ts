/**
 * Reports from the history: gathers runs, evaluations (making those that are missing), comparison and claims, builds the
 * document and renders it. Also settles claims by the runs that followed them.
 */
import type { ReportEvent, ReportOnScreen, StoredClaim, WorkProgress } from '#shared/contract/evaluation.ts';
import { nameWithTask } from '#shared/domain/datasets/task.ts';
import { openClaim, settleClaim, type Claim, type ClaimOutcome } from '#shared/domain/verdicts/claims.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import type { WindowTexts } from '#shared/domain/evaluation/inspection.ts';
import { isImmaterial, recipeDiff } from '#shared/domain/recipe/recipe-diff.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { EvaluationContext } from '../evaluation/context.ts';
import { comparableRun } from '../evaluation/run-facts.ts';
import { compare, evaluation } from '../evaluation/service.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { findDataset } from '../store/datasets.ts';
import { listClaims, listEvaluations, putClaim, updateClaim } from '../store/evaluations.ts';
import { inTransaction } from '../store/database.ts';
import { insertLog } from '../store/history.ts';
import { findRun } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';
import { Channel } from '../wire/channel.ts';
import { renderHtml } from './html.ts';
import type { ReportRun, SampleTexts } from './input.ts';
import { renderMarkdown } from './markdown.ts';
import { modelCard } from './model-card.ts';
import { onScreen } from './on-screen.ts';
import { rootCauseReport } from './root-cause.ts';

export interface ReportContext extends EvaluationContext {
  /** Version of Nextvec, printed in the report. */
  readonly version: string;
  readonly windowTexts: (datasetId: string, windows: number[]) => Promise<WindowTexts[]>;
}

export interface ReportRequest {
  readonly runId: string;
  readonly baselineId: string | null;
  readonly format: 'md' | 'html';
  /** Names the chart files of a Markdown report. */
  readonly stem: string;
  /** Quote the texts of the sample windows. */
  readonly texts: boolean;
}

export async function* reportEvents(
  context: ReportContext,
  request: ReportRequest,
  signal?: AbortSignal,
): AsyncGenerator<ReportEvent> {
  const events = new Channel<ReportEvent>();
  const work = async (): Promise<void> => {
    try {
      events.push(await makeReport(context, request, (event) => events.push(event), signal));
      events.end();
    } catch (error) {
      events.fail(error);
    }
  };
  void work();
  yield* events.read();
}

async function makeReport(
  context: ReportContext,
  { runId, baselineId, format, stem, texts }: ReportRequest,
  progress: (event: WorkProgress) => void,
  signal?: AbortSignal,
): Promise<ReportEvent> {
  const subject = await gather(context, runId, progress, signal);
  const baseline = baselineId === null ? null : await gather(context, baselineId, progress, signal);
  const earlier = claims(context).find((c) => c.runId === subject.run.id && c.outcome.outcome !== 'open');
  const { document, correction } = rootCauseReport({
    subject,
    baseline,
    comparison: baseline && compare(context, [baseline.run.id, subject.run.id]),
    earlierClaim: earlier?.outcome ?? null,
    texts: texts ? await sampleTexts(context, subject.evaluations) : new Map(),
    generatedAt: new Date(),
    version: context.version,
  });
  const claim = correction.claim && storeClaim(context, subject.run.id, correction.recipe, correction.claim);
  const rendered = format === 'md' ? renderMarkdown(document, stem) : { text: renderHtml(document), files: [] };
  const files = rendered.files.map((file) => ({ ...file }));
  const recipe = correction.changes.length > 0 ? correction.recipe : null;
  const { text } = rendered;
  return { type: 'done', title: document.title, text, document: onScreen(document), files, claim, recipe };
}

async function sampleTexts({ windowTexts }: ReportContext, evaluations: readonly Evaluation[]): Promise<SampleTexts> {
  const texts = new Map<Evaluation, WindowTexts[]>();
  for (const evaluation of evaluations) {
    const { id } = evaluation.data;
    if (id === null) continue;
    const windows = evaluation.samples.map(({ window }) => window);
    texts.set(evaluation, await windowTexts(id, windows));
  }
  return texts;
}

/** Stores a claim, or returns the outcome of the claim that this run's report made for the same recipe. */
function storeClaim(context: ReportContext, runId: string, recipe: Recipe, claim: Claim): ClaimOutcome {
  const { home } = context;
  const known = listClaims(home.db).filter((c) => c.runId === runId && isRetrainOf(c.recipe, recipe));
  const settled = known.find((c) => c.outcome.outcome !== 'open');
  if (settled) return settled.outcome;
  const open = openClaim(claim);
  if (home.access === 'owner') putClaim(home.db, runId, recipe, open, known[0]?.madeAt ?? Date.now());
  return open;
}

export function makeModelCard(
  context: ReportContext,
  runId: string,
  format: 'md' | 'html',
): { title: string; text: string; document: ReportOnScreen } {
  const subject = reportRun(context, runId, newestEvaluations(context, runId));
  const document = modelCard({ subject, generatedAt: new Date(), version: context.version });
  return {
    title: document.title,
    document: onScreen(document),
    text: format === 'md' ? renderMarkdown(document, 'card').text : renderHtml(document),
  };
}

/** A run with evaluations on its validation windows and its OOD set. */
async function gather(
  context: ReportContext,
  runId: string,
  progress: (event: WorkProgress) => void,
  signal?: AbortSignal,
): Promise<ReportRun> {
  const { run } = context.runs.get(runId);
  const evaluations: Evaluation[] = [];
  for (const id of [run.recipe.dataset, run.recipe.ood]) {
    if (id === null || run.best === null || findDataset(context.home.db, id) === null) continue;
    const of = `run #${run.number}`;
    evaluations.push(
      await evaluation(context, run.id, id, (event) => progress({ ...event, phase: `${of}: ${event.phase}` }), signal),
    );
  }
  return reportRun(context, runId, evaluations);
}

function newestEvaluations({ home }: ReportContext, runId: string): Evaluation[] {
  const seen = new Map<string, Evaluation>();
  for (const e of listEvaluations(home.db, runId)) {
    const key = `${e.data.id} ${e.data.part}`;
    if (!seen.has(key)) seen.set(key, e);
  }
  return [...seen.values()];
}

function reportRun(context: ReportContext, runId: string, evaluations: readonly Evaluation[]): ReportRun {
  const { run, epochs, gates } = context.runs.get(runId);
  const proof = run.splitProof;
  return {
    run: comparableRun(context, runId),
    // Figures stated by an imported file are not evidence.
    epochs: run.imported ? [] : epochs,
    gates: gates.map(({ message, passed }) => ({ message, passed })),
    files: { data: run.datasetName, ood: run.oodName },
    dataName: nameWithTask(run.datasetName, run.task),
    oodName: run.oodName,
    parts: run.recipe.parts.map((id) => partName(context, id)),
    split: proof && {
      kind: run.recipe.split.kind,
      sharedVectors: proof.sharedVectors,
      sharedArticles: proof.sharedArticles,
    },
    evaluations,
    reason: run.status === 'finished' ? '' : run.reason,
  };
}

function partName({ home }: ReportContext, runId: string): string {
  const row = findRun(home.db, runId);
  if (row === null) return `a model of the deleted run ${runId}`;
  return `${MODEL_LABELS[readRecipe(row.recipe_json).modelType]} of run #${row.number} (${row.name})`;
}

function isRetrainOf(recipe: Recipe, other: Recipe): boolean {
  return recipeDiff(recipe, other).every((field) => field.path === 'seed' || isImmaterial(field));
}

/** All claims, newest first; open ones are settled by the first run of their recipe that finished after they were made. */
export function claims(context: ReportContext): StoredClaim[] {
  const { home, runs } = context;
  const stored = listClaims(home.db);
  const open = stored.filter((claim) => claim.outcome.outcome === 'open');
  if (open.length === 0 || home.access !== 'owner') return stored;
  const finished = runs.list().filter((run) => run.status === 'finished' && run.best !== null);
  for (const claim of open) {
    const retrain = finished
      .filter((run) => run.createdAt > claim.madeAt && run.id !== claim.runId && isRetrainOf(claim.recipe, run.recipe))
      .toSorted((a, b) => a.createdAt - b.createdAt)[0];
    if (!retrain) continue;
    const figures = {
      valCosine: retrain.best?.valCosine ?? null,
      oodCosine: retrain.best?.oodCosine ?? null,
      valLift: retrain.valLift,
      oodLift: retrain.oodLift,
    };
    const outcome = settleClaim(claim.outcome.claim, figures, retrain.id);
    if (outcome.outcome === 'open') continue;
    settle(context, claim, outcome);
  }
  return listClaims(home.db);
}

function settle({ home }: ReportContext, claim: StoredClaim, outcome: ClaimOutcome): void {
  inTransaction(home.db, () => {
    updateClaim(home.db, claim.id, outcome);
    const level = outcome.outcome === 'met' ? 'info' : 'warning';
    if (outcome.runId !== null) insertLog(home.db, outcome.runId, { at: Date.now(), level, message: outcome.message });
  });
}
