/** The report item of a plan: trained runs, sweeps, gate readings, claims, next steps. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, dataWord, shellQuote } from '#shared/domain/recipe/command-line.ts';
import { holdsZero, signedInterval, withInterval, type Interval } from '#shared/domain/evaluation/interval.ts';
import { count, duration, figure, listed } from '#shared/domain/figures.ts';
import { BASELINES, BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import { seesOrder } from '#shared/domain/recipe/recipe.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { gateLabel } from '#shared/domain/recipe/gates.ts';
import { shownStatus, unmet } from '#shared/domain/plans/plan-queue.ts';
import { judge, type PlanClaim, type PlanSpec, type ReportItem } from '#shared/domain/plans/plans.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { bullets, code, paragraph, table, type Block, type ReportDocument, type Section } from '../reports/document.ts';
import { renderMarkdown } from '../reports/markdown.ts';
import { findDataset } from '../store/datasets.ts';
import { listItems, listTries, updateItem, type ItemRow } from '../store/plans.ts';
import { figuresOf, runSummary, type PlanContext } from './context.ts';
import { sweepSections } from './sweep-report.ts';
import type { WorkItem } from './train-item.ts';

interface Trained {
  readonly row: ItemRow;
  readonly run: RunSummary;
}

/** Writes `exports/plan-N-KEY.md`; a retry overwrites it. */
export function writePlanReport(context: PlanContext, { row, item, spec }: WorkItem<ReportItem>): void {
  const { home } = context;
  const items = listItems(home.db).filter(
    (one) => one.planId === row.planId && one.id !== row.id && (item.of.length === 0 || item.of.includes(one.key)),
  );
  const document = planReport(context, { spec, claims: item.claims }, items);
  const stem = `plan-${row.planId}-${row.key}`;
  const path = join(home.exportsFolder, `${stem}.md`);
  writeFileSync(path, renderMarkdown(document, stem).text);
  const at = Date.now();
  updateItem(home.db, row.id, {
    status: 'done',
    reason: `Written to ${path}.`,
    reportPath: path,
    startedAt: row.startedAt ?? at,
    endedAt: at,
  });
}

interface PlanFacts {
  readonly spec: PlanSpec;
  readonly claims: readonly PlanClaim[];
}

function planReport(context: PlanContext, { spec, claims }: PlanFacts, items: readonly ItemRow[]): ReportDocument {
  const trained = items.flatMap((row): Trained[] => {
    const run = runSummary(context, row.runId);
    return run === null ? [] : [{ row, run }];
  });
  const best = trained.filter(({ run }) => run.best !== null).toSorted((a, b) => rank(b.run) - rank(a.run))[0];
  const sweeps = sweepSections(context, spec, items);
  const isOnlySweeps = trained.length === 0 && sweeps.length > 0;
  return {
    title: `Plan: ${spec.name}`,
    subtitle: `${new Date().toISOString().slice(0, 10)} · Nextvec ${context.appVersion}`,
    summary: isOnlySweeps ? [] : [paragraph(summaryOf(trained, best)), figures(trained)],
    sections: [
      ...claimed(claims, trained),
      ...(isOnlySweeps ? [] : [lacksSection(trained)]),
      ...sweeps,
      gates(context, items),
      ...(best ? [reproduce(context, best.run), ...ceiling(context, best.run)] : []),
      ...(best || isOnlySweeps ? [] : [nothing()]),
    ],
  };
}

/** Lift over the best baseline, out of distribution where that was measured. */
function bestLift({ oodBestLift, valBestLift, best }: RunSummary) {
  const isOod = oodBestLift !== null;
  const interval = best?.intervals?.[isOod ? 'oodBestLift' : 'valBestLift'] ?? null;
  return { where: isOod ? 'out of distribution' : 'in validation', value: oodBestLift ?? valBestLift, interval };
}

function rank(run: RunSummary): number {
  return bestLift(run).value ?? -Infinity;
}

function summaryOf(trained: readonly Trained[], best: Trained | undefined): string {
  if (best === undefined) return 'No run of this plan has figures.';
  const { row, run } = best;
  const { where, value, interval } = bestLift(run);
  const lift = `**${signedInterval(value, interval)}** over the best baseline ${where}`;
  return `Best of ${count(trained.length)}: ${row.key} (${MODEL_LABELS[run.recipe.modelType]}), run #${run.number}, ${lift}. ${verdict(value, interval)}`;
}

function verdict(value: number | null, interval: Interval | null): string {
  if (value === null || value <= 0)
    return 'No model of this plan beats every baseline: change the recipe before training anything larger.';
  return interval && holdsZero(interval)
    ? 'It is not distinguishable from that baseline on these articles.'
    : 'There it beats every baseline.';
}

function figures(trained: readonly Trained[]): Block {
  return table(
    'Best checkpoint of each run; lift is over the mean of the context on the same rows; in brackets 95 % intervals over the articles',
    ['Item', 'Model', '#Run', '#Validation', '#Lift', '#OOD', '#OOD lift', '#Best epoch', '#Parameters', '#Time'],
    trained.map(({ row, run }) => [
      row.key,
      MODEL_LABELS[run.recipe.modelType],
      `#${run.number}`,
      withInterval(run.best?.valCosine, run.best?.intervals?.valCosine),
      signedInterval(run.valLift, run.best?.intervals?.valLift),
      withInterval(run.best?.oodCosine, run.best?.intervals?.oodCosine),
      signedInterval(run.oodLift, run.best?.intervals?.oodLift),
      `${count(run.best?.epoch)} of ${run.recipe.epochs}`,
      count(run.parameters),
      duration(run.durationMs),
    ]),
  );
}

/** The claims of the plan, and whether they held. */
function claimed(claims: readonly PlanClaim[], trained: readonly Trained[]): Section[] {
  if (claims.length === 0) return [];
  const lines = claims.map(({ of, ...gate }) => {
    const run = trained.find(({ row }) => row.key === of)?.run;
    if (!run?.best) return `**${of}**: not settled, it has no finished run.`;
    const { passed, messages, values } = judge([gate], figuresOf(run), run.best.intervals);
    if (values[0] === null) return `**${of}**, run #${run.number}: not settled, ${gateLabel(gate)} was not measured.`;
    return `**${of}**, run #${run.number}: ${passed ? 'held' : 'did not hold'}. ${capital(messages.join('; '))}.`;
  });
  const intro = 'Stated when the plan was made, before anything was trained, and checked against the runs:';
  return [{ title: 'Claim', blocks: [paragraph(intro), bullets(lines)] }];
}

/** The baselines that beat each run. */
function lacksSection(trained: readonly Trained[]): Section {
  const lines = trained.map(({ row, run }) => `**${row.key}**, run #${run.number}: ${lacks(run)}`);
  return { title: 'What each run lacks', blocks: [bullets(lines)] };
}

function lacks({ best, baselines, recipe }: RunSummary): string {
  if (best === null) return 'it has no figures.';
  const better = (metric: 'valCosine' | 'oodCosine'): string[] =>
    UNTRAINED.filter((name) => (baselines[name]?.[metric] ?? -Infinity) > (best[metric] ?? Infinity)).map(
      (name) => `${BASELINE_LABELS[name].toLowerCase()} (${figure(baselines[name]?.[metric])})`,
    );
  const parts = [
    ['in validation', better('valCosine')] as const,
    ['out of distribution', better('oodCosine')] as const,
  ].flatMap(([where, names]) => (names.length === 0 ? [] : [`${where} it is below ${listed(names)}`]));
  if (!seesOrder(recipe)) parts.push('it does not see the order of its context');
  return parts.length === 0 ? 'nothing that needs no training is better.' : `${parts.join('; ')}.`;
}

/** Baselines that are predictors; the shuffled floor is none. */
const UNTRAINED = BASELINES.filter((name) => name !== 'shuffled');

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** Every item with how it ended, retries included. */
function gates({ home }: PlanContext, items: readonly ItemRow[]): Section {
  const lines = items.flatMap((row) => {
    const earlier = listTries(home.db, row.id)
      .filter(({ runId }) => runId !== row.runId)
      .map(({ status, reason }) => `**${row.key}**, earlier try: ${status}. ${reason}`);
    const status = shownStatus(row, items, false);
    const why =
      status === 'blocked'
        ? `It waits for ${unmet(row, items)
            .map(({ key }) => key)
            .join(', ')}.`
        : row.reason;
    return [...earlier, `**${row.key}**: ${status}. ${why}`.trim()];
  });
  return { title: 'What happened', blocks: [bullets(lines)] };
}

function reproduce({ home }: PlanContext, { recipe, datasetName, oodName }: RunSummary): Section {
  const word = (id: string, name: string): string => {
    const found = findDataset(home.db, id);
    return found === null ? name : dataWord(found);
  };
  const ood = recipe.ood === null ? null : word(recipe.ood, oodName ?? recipe.ood);
  const line = commandLine(recipe, { data: word(recipe.dataset, datasetName), ood });
  return { title: 'Reproduce the best', blocks: [code(line)] };
}

/** How to find out whether another recipe can still gain anything on the OOD set. */
function ceiling({ home }: PlanContext, { recipe, number }: RunSummary): Section[] {
  const ood = recipe.ood === null ? null : findDataset(home.db, recipe.ood);
  if (ood === null) return [];
  const blocks = [
    paragraph('What can be had on the OOD set, measured from its own targets, for the gates of the next plan:'),
    code(`nextvec evaluate ${number} --data ${shellQuote(dataWord(ood))} --ceiling`),
  ];
  return [{ title: 'How far it can go', blocks }];
}

function nothing(): Section {
  return { title: 'Next', blocks: [paragraph('Retry an item of the plan; its report is then written again.')] };
}
