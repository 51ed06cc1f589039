/** Runs as a CSV table: what they are, their figures in full and their recipes. Pure. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { csvText } from '#shared/domain/text-escapes.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { recipeBrief } from '../../ui/text/recipe-brief.ts';

type Cell = string | number | null | undefined;

const COLUMNS: readonly (readonly [string, (run: RunSummary) => Cell])[] = [
  ['number', (run) => run.number],
  ['id', (run) => run.id],
  ['name', (run) => run.name],
  ['status', (run) => run.status],
  ['model', (run) => MODEL_LABELS[run.recipe.modelType]],
  ['data_set', (run) => run.datasetName],
  ['ood_set', (run) => run.oodName],
  ['recipe', (run) => recipeBrief(run.recipe)],
  ['seed', (run) => run.recipe.seed],
  ['best_epoch', (run) => run.best?.epoch],
  ['validation_cosine', (run) => run.best?.valCosine],
  ['ood_cosine', (run) => run.best?.oodCosine],
  ['validation_lift', (run) => run.valLift],
  ['ood_lift', (run) => run.oodLift],
  ['validation_lift_over_best', (run) => run.valBestLift],
  ['ood_lift_over_best', (run) => run.oodBestLift],
  ['rows_per_second', (run) => run.rowsPerSecond],
  ['duration_ms', (run) => run.durationMs],
  ['tags', (run) => run.tags.join('; ')],
];

/** A figure that was not measured is an empty cell. */
export function runsCsv(runs: readonly RunSummary[]): string {
  const lines = runs.map((run) => COLUMNS.map(([, read]) => cellText(read(run))).join(','));
  return `${[COLUMNS.map(([name]) => name).join(','), ...lines].join('\n')}\n`;
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'number' ? String(cell) : csvText(cell);
}
