/**
 * Reports from the history: gathers runs, evaluations (making those that are missing), comparison and claims, builds the
 * document and renders it. Also settles claims by the runs that followed them.
 */
import type { ReportEvent, ReportOnScreen, StoredClaim, WorkProgress } from '#shared/contract/evaluation.ts';
import { openClaim, settleClaim, type Claim, type ClaimOutcome } from '#shared/domain/verdicts/claims.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { recipeDiff } from '#shared/domain/recipe/recipe-fields.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { compare, evaluation } from '../evaluation/service.ts';
import { comparableRun } from '../evaluation/run-facts.ts';
import { Channel } from '../wire/channel.ts';
import type { Services } from '../rpc/context.ts';
import { findDataset } from '../store/datasets.ts';
import { listClaims, listEvaluations, putClaim, updateClaim } from '../store/evaluations.ts';
import { insertLog } from '../store/history.ts';
import { renderHtml } from './html.ts';
import type { ReportRun } from './input.ts';
import { renderMarkdown } from './markdown.ts';
import { modelCard } from './model-card.ts';
import { onScreen } from './on-screen.ts';
import { rootCauseReport } from './root-cause.ts';

export interface ReportRequest {
  readonly runId: string;
  readonly baselineId: string | null;
  readonly format: 'md' | 'html';
  /** Names the chart files of a Markdown report. */
  readonly stem: string;
}

export async function* reportEvents(
  services: Services,
  request: ReportRequest,
  signal?: AbortSignal,
): AsyncGenerator<ReportEvent> {
  const events = new Channel<ReportEvent>();
  const work = async (): Promise<void> => {
    try {
      events.push(await makeReport(services, request, (event) => events.push(event), signal));
      events.end();
    } catch (error) {
      events.fail(error);
    }
  };
  void work();
  yield* events.read();
}

async function makeReport(
  services: Services,
  { runId, baselineId, format, stem }: ReportRequest,
  progress: (event: WorkProgress) => void,
  signal?: AbortSignal,
): Promise<ReportEvent> {
  const subject = await gather(services, runId, progress, signal);
  const baseline = baselineId === null ? null : await gather(services, baselineId, progress, signal);
  const earlier = claims(services).find((c) => c.runId === subject.run.id && c.outcome.outcome !== 'open');
  const { document, correction } = rootCauseReport({
    subject,
    baseline,
    comparison: baseline && compare(services, [baseline.run.id, subject.run.id]),
    earlierClaim: earlier?.outcome ?? null,
    generatedAt: new Date(),
    version: services.options.version,
  });
  const claim = correction.claim && storeClaim(services, subject.run.id, correction.recipe, correction.claim);
  const rendered = format === 'md' ? renderMarkdown(document, stem) : { text: renderHtml(document), files: [] };
  const files = rendered.files.map((file) => ({ ...file }));
  const recipe = correction.changes.length > 0 ? correction.recipe : null;
  const { text } = rendered;
  return { type: 'done', title: document.title, text, document: onScreen(document), files, claim, recipe };
}

/** Stores a claim, unless this run's report has claimed for the same recipe already: then what became of that one. */
function storeClaim(services: Services, runId: string, recipe: Recipe, claim: Claim): ClaimOutcome {
  const { home } = services;
  const known = listClaims(home.db).filter((c) => c.runId === runId && isRetrainOf(c.recipe, recipe));
  const settled = known.find((c) => c.outcome.outcome !== 'open');
  if (settled) return settled.outcome;
  const open = openClaim(claim);
  if (home.access === 'owner') putClaim(home.db, runId, recipe, open, known[0]?.madeAt ?? Date.now());
  return open;
}

export function makeModelCard(
  services: Services,
  runId: string,
  format: 'md' | 'html',
): { title: string; text: string; document: ReportOnScreen } {
  const subject = reportRun(services, runId, newestEvaluations(services, runId));
  const document = modelCard({ subject, generatedAt: new Date(), version: services.options.version });
  return {
    title: document.title,
    document: onScreen(document),
    text: format === 'md' ? renderMarkdown(document, 'card').text : renderHtml(document),
  };
}

/** A run with evaluations on its validation windows and its OOD set. */
async function gather(
  services: Services,
  runId: string,
  progress: (event: WorkProgress) => void,
  signal?: AbortSignal,
): Promise<ReportRun> {
  const { run } = services.runs.get(runId);
  const evaluations: Evaluation[] = [];
  for (const id of [run.recipe.dataset, run.recipe.ood]) {
    if (id === null || run.best === null || findDataset(services.home.db, id) === null) continue;
    const of = `run #${run.number}`;
    evaluations.push(
      await evaluation(services, run.id, id, (event) => progress({ ...event, phase: `${of}: ${event.phase}` }), signal),
    );
  }
  return reportRun(services, runId, evaluations);
}

function newestEvaluations({ home }: Services, runId: string): Evaluation[] {
  const seen = new Map<string, Evaluation>();
  for (const e of listEvaluations(home.db, runId)) {
    const key = `${e.data.id} ${e.data.part}`;
    if (!seen.has(key)) seen.set(key, e);
  }
  return [...seen.values()];
}

function reportRun(services: Services, runId: string, evaluations: readonly Evaluation[]): ReportRun {
  const { run, epochs, gates } = services.runs.get(runId);
  const proof = run.splitProof;
  return {
    run: comparableRun(services, runId),
    // What a file states of another program's training is no evidence.
    epochs: run.imported ? [] : epochs,
    gates: gates.map(({ message, passed }) => ({ message, passed })),
    files: { data: run.datasetName, ood: run.oodName },
    dataName: run.datasetName,
    oodName: run.oodName,
    split: proof && {
      kind: run.recipe.split.kind,
      sharedVectors: proof.sharedVectors,
      sharedArticles: proof.sharedArticles,
    },
    evaluations,
    reason: run.status === 'finished' ? '' : run.reason,
  };
}

/** Fields that do not decide what a run should reach. */
const IMMATERIAL = new Set(['engine', 'threads', 'device', 'gates', 'seed']);

function isRetrainOf(recipe: Recipe, other: Recipe): boolean {
  return recipeDiff(recipe, other).every(({ path }) => IMMATERIAL.has(path));
}

/** All claims, newest first; open ones are settled by the first run of their recipe that finished after they were made. */
export function claims(services: Services): StoredClaim[] {
  const { home, runs } = services;
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
    settle(services, claim, outcome);
  }
  return listClaims(home.db);
}

function settle({ home }: Services, claim: StoredClaim, outcome: ClaimOutcome): void {
  home.db
    .transaction(() => {
      updateClaim(home.db, claim.id, outcome);
      const level = outcome.outcome === 'met' ? 'info' : 'warning';
      if (outcome.runId !== null)
        insertLog(home.db, outcome.runId, { at: Date.now(), level, message: outcome.message });
    })
    .immediate();
}
