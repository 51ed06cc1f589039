/** The report item of a plan: trained runs, gate readings, explained differences, next steps. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { signedInterval, withInterval } from '#shared/domain/evaluation/interval.ts';
import { count, duration, signed } from '#shared/domain/figures.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import type { ReportItem } from '#shared/domain/plans/plans.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { bullets, code, paragraph, table, type Block, type ReportDocument, type Section } from '../reports/document.ts';
import { renderMarkdown } from '../reports/markdown.ts';
import { findDataset } from '../store/datasets.ts';
import { listItems, listTries, updateItem, type ItemRow } from '../store/plans.ts';
import { runSummary, type PlanContext } from './context.ts';
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
  const document = planReport(context, spec.name, items);
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

function planReport(context: PlanContext, name: string, items: readonly ItemRow[]): ReportDocument {
  const trained = items.flatMap((row): Trained[] => {
    const run = runSummary(context, row.runId);
    return run === null ? [] : [{ row, run }];
  });
  const best = trained.filter(({ run }) => run.best !== null).toSorted((a, b) => rank(b.run) - rank(a.run))[0];
  return {
    title: `Plan: ${name}`,
    subtitle: `${new Date().toISOString().slice(0, 10)} · Nextvec ${context.appVersion}`,
    summary: [paragraph(summaryOf(trained, best?.run)), figures(trained)],
    sections: [gates(context, items), best ? reproduce(context, best.run) : nothing()],
  };
}

/** OOD lift, or validation lift where that was not measured. */
function rank({ oodLift, valLift }: RunSummary): number {
  return oodLift ?? valLift ?? -Infinity;
}

function summaryOf(trained: readonly Trained[], best: RunSummary | undefined): string {
  if (best === undefined) return 'No run of this plan has figures.';
  const beats = rank(best) > 0;
  const lift =
    best.oodLift === null ? `validation lift **${signed(best.valLift)}**` : `OOD lift **${signed(best.oodLift)}**`;
  const verdict = beats
    ? 'It beats the mean of the context.'
    : 'No model of this plan beats the mean of the context: change the recipe before training anything larger.';
  return `Best of ${count(trained.length)}: ${MODEL_LABELS[best.recipe.modelType]}, run #${best.number}, ${lift}. ${verdict}`;
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

/** Every item with how it ended, retries included. */
function gates({ home }: PlanContext, items: readonly ItemRow[]): Section {
  const lines = items.flatMap((row) => {
    const earlier = listTries(home.db, row.id)
      .filter(({ runId }) => runId !== row.runId)
      .map(({ status, reason }) => `**${row.key}**, earlier try: ${status}. ${reason}`);
    return [...earlier, `**${row.key}**: ${row.status}. ${row.reason}`.trim()];
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

function nothing(): Section {
  return { title: 'Next', blocks: [paragraph('Retry an item of the plan; its report is then written again.')] };
}
