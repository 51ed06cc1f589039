/**
 * Logged rows as epoch records and step series. Epochs are those the rows name; else each validation ends one. Values that
 * were logged more often than once an epoch are kept by step. What has no place here is named in the warnings.
 */
import { nameList } from '#shared/domain/short-text.ts';
import type { EpochRecord, StepColumn } from '#shared/domain/runs/training.ts';
import { epochsOf, type EpochValues } from './epoch-records.ts';
import type { Logged, LoggedRow } from './logged.ts';
import { choosePlaces, type ChosenPlaces } from './places.ts';

/** Series take 140 bytes a step, so these take 37 MB. */
const MOST_STEPS = 2 ** 18;
/** Later values are of no epoch. */
const MOST_EPOCHS = 100_000;

/** Columns of `lastStep` values; NaN where nothing was logged. */
interface SparseSteps {
  readonly lastStep: number;
  readonly columns: Partial<Record<StepColumn, Float32Array<ArrayBuffer>>>;
}

export interface History {
  readonly epochs: EpochRecord[];
  /** null: nothing was logged more often than once an epoch. */
  readonly steps: SparseSteps | null;
  /** Curves and other values that have no place here; `warnings` tell of them. */
  readonly left: readonly string[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** A row with its places on both axes. */
interface PlacedRow extends LoggedRow {
  /** 1-based. */
  readonly epoch: number | null;
}

export function historyOf(logged: Logged): History {
  const places = choosePlaces(logged.rows);
  const rows = inEpochs(withSteps(logged.rows, places), places, logged.isByEpoch);
  const left = [...places.left, ...logged.otherNames];
  const warnings = [...logged.warnings];
  if (left.length > 0) warnings.push(`Left out, since they have no place here: ${nameList(left)}.`);
  const lastStep = rows.reduce((last, { step }) => Math.max(last, step ?? 0), 0);
  const isFiner = lastStep > 0 && isLoggedInSteps(rows, places);
  if (isFiner && lastStep > MOST_STEPS) {
    warnings.push(`It has ${lastStep} steps; beyond ${MOST_STEPS} curves are kept by epoch only.`);
  }
  const steps = isFiner && lastStep <= MOST_STEPS ? stepsOf(rows, places, lastStep) : null;
  const epochs = epochsOf(valuesByEpoch(rows, places, isFiner || !areEpochNumbers(rows)));
  if (epochs.length === 0 && steps !== null) {
    warnings.push('It names neither epochs nor validation: its curves are by step.');
  }
  return { epochs, steps, left, warnings };
}

/** Steps from 1, of the counter that the rows name, else of the format; a row without one has that of the row before it. */
function withSteps(rows: readonly LoggedRow[], { counters }: ChosenPlaces): LoggedRow[] {
  let known: number | null = null;
  const stepped = rows.map(({ step, values }) => {
    const named = counters.step === null ? step : (values.get(counters.step) ?? null);
    known = named !== null && Number.isFinite(named) && named >= 0 ? Math.round(named) : known;
    return { step: known, values };
  });
  const isFromZero = stepped.some(({ step }) => step === 0);
  return isFromZero ? stepped.map(({ step, values }) => ({ step: step === null ? null : step + 1, values })) : stepped;
}

function inEpochs(rows: readonly LoggedRow[], places: ChosenPlaces, isByEpoch: boolean): PlacedRow[] {
  const { epoch: counter } = places.counters;
  if (counter !== null) return byCounter(rows, counter);
  if (isByEpoch) return rows.map((row, i) => ({ ...row, epoch: i < MOST_EPOCHS ? i + 1 : null }));
  return byValidation(rows, places);
}

/** Counted from 0 or from 1; fractions of an epoch are part of it. */
function byCounter(rows: readonly LoggedRow[], counter: string): PlacedRow[] {
  const stated = rows.flatMap(({ values }) => values.get(counter) ?? []).filter((n) => n >= 0 && n <= MOST_EPOCHS);
  const shift = stated.every(Number.isInteger) && stated.includes(0) ? 1 : 0;
  let known: number | null = null;
  return rows.map((row) => {
    const named = row.values.get(counter) ?? null;
    if (named !== null && named >= 0 && named <= MOST_EPOCHS) known = Math.max(1, Math.ceil(named - 1e-6) + shift);
    return { ...row, epoch: known };
  });
}

/** Each row with a validation figure ends an epoch; those after the last one are of no epoch. */
function byValidation(rows: readonly LoggedRow[], { figures }: ChosenPlaces): PlacedRow[] {
  const names = [...figures].flatMap(([name, { figure }]) => (/^(val|ood)(Loss|Cosine)$/.test(figure) ? [name] : []));
  const isEnd = rows.map(({ values }) => names.some((name) => values.has(name)));
  const last = isEnd.lastIndexOf(true);
  let epoch = 1;
  return rows.map((row, i) => {
    const own = i <= last && epoch <= MOST_EPOCHS ? epoch : null;
    if (isEnd[i]) epoch++;
    return { ...row, epoch: own };
  });
}

/** Whether any curve that the step series can hold has more values than there are epochs. */
function isLoggedInSteps(rows: readonly PlacedRow[], { columns }: ChosenPlaces): boolean {
  const epochs = new Set(rows.flatMap(({ epoch }) => epoch ?? [])).size;
  return [...columns.keys()].some((name) => rows.filter(({ values }) => values.has(name)).length > epochs);
}

/** Whether what the format calls steps counts epochs: it grows by 1 with each. */
function areEpochNumbers(rows: readonly PlacedRow[]): boolean {
  const stepOf = new Map(rows.flatMap(({ epoch, step }) => (epoch === null || step === null ? [] : [[epoch, step]])));
  return [...stepOf].every(([epoch, step]) => step === epoch);
}

function stepsOf(rows: readonly PlacedRow[], { columns }: ChosenPlaces, lastStep: number): SparseSteps {
  const found: SparseSteps['columns'] = {};
  for (const [name, { column, scale }] of columns) {
    const series = new Float32Array(lastStep).fill(Number.NaN);
    for (const { step, values } of rows) {
      const value = values.get(name);
      if (value !== undefined && step !== null) series[step - 1] = value * scale;
    }
    found[column] = series;
  }
  return { lastStep, columns: found };
}

function valuesByEpoch(rows: readonly PlacedRow[], { figures }: ChosenPlaces, hasSteps: boolean): EpochValues[] {
  const byEpoch = new Map<number, EpochValues>();
  for (const { epoch, step, values } of rows) {
    if (epoch === null) continue;
    const into = byEpoch.get(epoch) ?? { epoch, step: 0, values: new Map() };
    byEpoch.set(epoch, into);
    if (hasSteps) into.step = Math.max(into.step, step ?? 0);
    for (const [name, { figure, scale }] of figures) {
      const value = values.get(name);
      if (value === undefined) continue;
      const list = into.values.get(figure);
      if (list === undefined) into.values.set(figure, [value * scale]);
      else list.push(value * scale);
    }
  }
  return [...byEpoch.values()].toSorted((a, b) => a.epoch - b.epoch);
}
