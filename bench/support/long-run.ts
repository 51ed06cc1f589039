/** Finished runs of a million steps in a history, written through the store as the recorder writes it. */
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { TERMS, type Term } from '#shared/domain/models/terms.ts';
import { STEP_COLUMNS, type EpochRecord, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import { Random } from '#engine/random.ts';
import type { Db } from '../../src/main/store/database.ts';
import { beginAttempt, endAttempts, insertEpoch } from '../../src/main/store/history.ts';
import { openHome } from '../../src/main/store/home.ts';
import { insertRun, updateRun } from '../../src/main/store/runs.ts';
import { appendSteps } from '../../src/main/store/series-writer.ts';

const EPOCHS = 20;
const BLOCK_STEPS = 4096;
const NOW = Date.UTC(2026, 0, 1);

/** A decaying level with noise and rare spikes for every column, so that min/max bands are as wide as in real runs. */
function fill(columns: Record<StepColumn, Float32Array>, firstStep: number, steps: number, random: Random): void {
  STEP_COLUMNS.forEach((column, c) => {
    const values = columns[column];
    for (let i = 0; i < values.length; i++) {
      const progress = (firstStep + i) / steps;
      const noise = random.uniform() - 0.5 + (random.uniform() > 0.999 ? 2 : 0);
      values[i] = 0.1 * (c + 1) * (0.4 + 0.6 * Math.exp(-6 * progress)) * (1 + 0.3 * noise);
    }
  });
}

function block(epoch: number, firstStep: number, count: number, steps: number, random: Random): StepBlock {
  const columns = Object.fromEntries(STEP_COLUMNS.map((name) => [name, new Float32Array(count)])) as Record<
    StepColumn,
    Float32Array<ArrayBuffer>
  >;
  fill(columns, firstStep, steps, random);
  return { type: 'steps', epoch, firstStep, count, columns, rowsPerSecond: 8000, rowsDone: 0, rowsInEpoch: 0 };
}

function perTerm<V>(value: V): Record<Term, V> {
  return Object.fromEntries(TERMS.map((term) => [term, value])) as Record<Term, V>;
}

function epochRecord(epoch: number, step: number): EpochRecord {
  const valCosine = 0.46 - 0.1 * Math.exp(-epoch / 3);
  return {
    type: 'epoch',
    epoch,
    step,
    trainLoss: 0.5,
    trainCosine: 0.45,
    valLoss: 0.0014,
    valCosine,
    oodLoss: 0.0016,
    oodCosine: valCosine - 0.06,
    lr: 5e-4,
    gradNorm: 0.4,
    rowsPerSecond: 8000,
    durationMs: 200_000,
    terms: perTerm({ value: 0.1, weighted: 0.1, share: 1 / TERMS.length, gradShare: 1 / TERMS.length }),
    partGradNorms: perTerm(0.1),
    diversity: { predictions: 0.6, targets: 0.78 },
    effectiveRank: { predictions: 150, targets: 230 },
    nonFiniteRows: 0,
    isBest: true,
    baselines: { contextMean: { valCosine: 0.44, oodCosine: 0.395 } },
  };
}

/** Writes one run; gives its id. */
function writeRun(db: Db, dataset: string, steps: number, index: number): string {
  const id = `bench-long-run-${index}`;
  const recipe = RecipeSchema.parse({ dataset, epochs: EPOCHS, seed: index, lambda: perTerm(1) });
  const stepsPerEpoch = steps / EPOCHS;
  const random = new Random(5 + index);
  const name = `${steps.toLocaleString('en-US')} steps`;
  const run = { id, name, recipe, datasetName: 'bench', oodName: null, tags: [], appVersion: '0', createdAt: NOW };
  insertRun(db, run);
  const attempt = beginAttempt(db, id, 1, null, NOW);
  const append = db.transaction((blocks: StepBlock[]) => appendSteps(db, { runId: id, attempt }, blocks));
  for (let first = 1; first <= steps; first += BLOCK_STEPS) {
    const count = Math.min(BLOCK_STEPS, steps - first + 1);
    append([block(Math.ceil(first / stepsPerEpoch), first, count, steps, random)]);
  }
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    insertEpoch(db, id, attempt, epochRecord(epoch, epoch * stepsPerEpoch), NOW);
  }
  endAttempts(db, id, NOW);
  updateRun(db, id, {
    status: 'finished',
    epoch: EPOCHS,
    step: steps,
    total_steps: steps,
    train_rows: stepsPerEpoch * recipe.batchSize,
    ended_at_ms: NOW,
  });
  return id;
}

/** Writes runs of a data set that is there already into the storage folder `home`; gives their ids. */
export function writeLongRuns(home: string, dataset: string, steps: number, count: number): string[] {
  const { db, close } = openHome(home, 'owner', 'bench');
  const ids = Array.from({ length: count }, (_, index) => writeRun(db, dataset, steps, index));
  close();
  return ids;
}
