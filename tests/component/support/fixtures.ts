/** Runs and data sets as main sends them; a test overrides the fields that it needs. */
import type { Dataset } from '#shared/contract/datasets.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { RecipeSchema, type RecipeInput } from '#shared/domain/recipe/recipe.ts';

export function dataset(id: string, changes: Partial<Dataset> = {}): Dataset {
  return {
    id,
    name: id,
    sourcePath: `/data/${id}.npz`,
    isSample: false,
    importedAt: 0,
    windows: 1000,
    vectors: 1200,
    T: 5,
    D: 64,
    storedBytes: 1000,
    runCount: 0,
    // No page under test reads it.
    passport: { T: 5, history: null } as Passport,
    ...changes,
  };
}

interface RunChanges extends Partial<Omit<RunSummary, 'recipe'>> {
  readonly recipe?: Partial<RecipeInput>;
}

export function run(number: number, { recipe, ...changes }: RunChanges = {}): RunSummary {
  return {
    id: `run-${number}`,
    number,
    name: `night ${number}`,
    status: 'finished',
    reason: '',
    createdAt: number,
    endedAt: number,
    recipe: RecipeSchema.parse({ dataset: 'docs', ...recipe }),
    datasetName: 'docs',
    oodName: null,
    task: { context: 5, history: null },
    engine: null,
    parameters: null,
    trainRows: null,
    valRows: null,
    oodRows: null,
    splitProof: null,
    epoch: 1,
    step: 10,
    totalSteps: 10,
    etaMs: null,
    best: null,
    baselines: {},
    valLift: null,
    oodLift: null,
    valBestLift: null,
    oodBestLift: null,
    rowsPerSecond: null,
    durationMs: 0,
    epochsDone: 0,
    sparkline: [],
    tags: [],
    notes: '',
    storedBytes: 0,
    ...changes,
  };
}

/** The best epoch of a run, by its validation cosine. */
export function best(valCosine: number): NonNullable<RunSummary['best']> {
  return { epoch: 1, step: 10, valLoss: 1e-3, valCosine, oodCosine: null };
}
