/** A run of the history as comparisons and reports read it. */
import type { ComparableRun, Fact } from '#shared/domain/evaluation/comparison.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { taskText } from '#shared/domain/datasets/task.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { NO_DATASET } from '#shared/domain/recipe/recipe.ts';
import { findDataset } from '../store/datasets.ts';
import { requireRun } from '../store/runs.ts';
import type { EvaluationContext } from './context.ts';

type HistoryContext = Pick<EvaluationContext, 'home' | 'runs'>;

export function comparableRun(context: HistoryContext, handle: string): ComparableRun {
  const { run, epochs } = context.runs.get(handle);
  const row = requireRun(context.home.db, handle);
  const last = epochs[epochs.length - 1];
  return {
    id: run.id,
    number: run.number,
    name: run.name,
    status: run.status,
    recipe: run.recipe,
    isImported: run.imported !== undefined,
    task: run.task,
    figures: figuresOf(run, last?.epoch ?? null),
    intervals: run.best?.intervals,
    data: {
      ...(run.task ? { Task: taskText(run.task) } : {}),
      ...dataFacts(context, run.recipe.dataset, 'Training set', run.datasetName),
      ...oodFacts(context, run),
    },
    // What trained an imported run is not known.
    code: run.imported ? {} : { 'Nextvec version': row.app_version, ...engineFacts(run.engine) },
    deterministic: run.engine?.deterministic ?? false,
    terms: last?.terms ?? null,
  };
}

/** `epochs`: that are in the history. Figures that an imported file states were not measured here. */
function figuresOf({ best, baselines, imported, ...run }: RunSummary, epochs: number | null): ComparableRun['figures'] {
  return {
    valCosine: best?.valCosine ?? null,
    oodCosine: best?.oodCosine ?? null,
    valLift: run.valLift,
    oodLift: run.oodLift,
    valLoss: best?.valLoss ?? null,
    baselineVal: baselines.contextMean?.valCosine ?? null,
    baselineOod: baselines.contextMean?.oodCosine ?? null,
    bestEpoch: best?.epoch ?? null,
    epochs: imported ? null : epochs,
    trainRows: run.trainRows,
    parameters: run.parameters,
    rowsPerSecond: run.rowsPerSecond,
    durationMs: imported ? null : run.durationMs,
    statedVal: imported?.stated.valCosine ?? null,
  };
}

/** Whether an imported run had an OOD set is not known where none is named. */
function oodFacts(context: HistoryContext, { recipe, oodName, imported }: RunSummary): Record<string, Fact> {
  if (recipe.ood !== null) return dataFacts(context, recipe.ood, 'OOD set', oodName ?? '');
  return imported ? {} : { 'OOD set': 'none' };
}

function engineFacts(engine: RunSummary['engine']): Record<string, Fact> {
  return {
    Engine: engine ? `${engine.name} ${engine.version}` : null,
    'Engine variant': engine?.variant ?? null,
    Threads: engine?.threads ?? null,
  };
}

/** Facts of a stored set; a deleted one is known by name only, that of an imported run perhaps not at all. */
function dataFacts({ home }: HistoryContext, id: string, label: string, name: string): Record<string, Fact> {
  if (id === NO_DATASET) return {};
  const dataset = findDataset(home.db, id);
  if (dataset === null) return { [label]: `${name} (deleted)` };
  const { passport } = dataset;
  const facts: [string, (p: Passport) => Fact][] = [
    ['windows', (p) => p.windows],
    ['vectors', (p) => p.vectors],
    ['articles', (p) => p.articles],
    ['coherence', (p) => (p.coherence.mean === null ? null : Number(p.coherence.mean.toFixed(4)))],
    ['duplicates', (p) => p.duplicates],
    ['crossings', (p) => p.crossings],
    ['sha256', (p) => p.sha256.slice(0, 12)],
  ];
  return {
    [label]: dataset.name,
    ...Object.fromEntries(facts.map(([fact, of]) => [`${label}: ${fact}`, of(passport)])),
  };
}
