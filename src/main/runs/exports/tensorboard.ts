/** A run as TensorBoard shows it: scalars of every step and every epoch. Read and written in blocks. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { STEP_COLUMNS, type EpochRecord } from '#shared/domain/runs/training.ts';
import { scalarsRecord, versionRecord, type Scalar } from '../../formats/logs/event-file.ts';
import type { Db } from '../../store/database.ts';
import { runTimes } from '../../store/history.ts';
import { readSeries } from '../../store/series.ts';

const BLOCK_STEPS = 4096;

const EPOCH_SCALARS = [
  'trainLoss',
  'trainCosine',
  'valLoss',
  'valCosine',
  'oodLoss',
  'oodCosine',
  'rowsPerSecond',
] as const satisfies readonly (keyof EpochRecord)[];

export interface TensorboardRun {
  readonly id: string;
  readonly createdAtMs: number;
  readonly lastStep: number;
  readonly epochs: readonly EpochRecord[];
}

/** Makes `folder` with one event file in it; TensorBoard takes the folder for the run. */
export async function writeTensorboard(db: Db, run: TensorboardRun, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { started, epochs } = runTimes(db, run.id);
  const startedAtMs = started ?? run.createdAtMs;
  const name = `events.out.tfevents.${Math.floor(startedAtMs / 1000)}.nextvec`;
  const file = await open(join(folder, name), 'w');
  try {
    await file.write(versionRecord(startedAtMs));
    const timeOf = timeOfStep(startedAtMs, run.epochs, epochs);
    const epochRecords = run.epochs.map((epoch) => ({ step: epoch.step || epoch.epoch, scalars: epochScalars(epoch) }));
    let written = 0;
    for (let from = 1; from <= run.lastStep; from += BLOCK_STEPS) {
      const to = Math.min(run.lastStep, from + BLOCK_STEPS - 1);
      const records = stepRecords(db, run.id, from, to, timeOf);
      for (; epochRecords[written]?.step <= to; written++) records.push(recordOf(epochRecords[written], timeOf));
      await file.write(Buffer.concat(records));
    }
    // An imported run may have stated epochs and no steps.
    await file.write(Buffer.concat(epochRecords.slice(written).map((epoch) => recordOf(epoch, timeOf))));
  } finally {
    await file.close();
  }
}

interface StepScalars {
  readonly step: number;
  readonly scalars: readonly Scalar[];
}

function recordOf({ step, scalars }: StepScalars, timeOf: TimeOfStep): Buffer {
  return scalarsRecord(step, timeOf(step), scalars);
}

type TimeOfStep = (step: number) => number;

function stepRecords(db: Db, runId: string, fromStep: number, toStep: number, timeOf: TimeOfStep): Buffer[] {
  const { step, mean } = readSeries(db, { runId, columns: STEP_COLUMNS, fromStep, toStep, maxPoints: BLOCK_STEPS });
  return Array.from(step, (number, i) => {
    const scalars = STEP_COLUMNS.map((column) => ({ tag: `step/${column}`, value: mean[column][i] }));
    return scalarsRecord(number, timeOf(number), scalars.filter(isMeasured));
  });
}

function epochScalars(epoch: EpochRecord): Scalar[] {
  const scalars = EPOCH_SCALARS.map((name) => ({ tag: `epoch/${name}`, value: epoch[name] ?? Number.NaN }));
  return scalars.filter(isMeasured);
}

function isMeasured({ value }: Scalar): boolean {
  return !Number.isNaN(value);
}

/** The ends of epochs are known; steps between two of them are taken to be equally long. */
function timeOfStep(
  startedAtMs: number,
  epochs: readonly EpochRecord[],
  endOf: ReadonlyMap<number, number>,
): TimeOfStep {
  const ends = [{ step: 0, atMs: startedAtMs }];
  for (const { epoch, step } of epochs) ends.push({ step, atMs: endOf.get(epoch) ?? ends.at(-1)!.atMs });
  return (step) => {
    const next = ends.findIndex((end) => end.step >= step);
    if (next <= 0) return next === 0 ? startedAtMs : ends.at(-1)!.atMs;
    const [a, b] = [ends[next - 1], ends[next]];
    return a.atMs + ((b.atMs - a.atMs) * (step - a.step)) / (b.step - a.step);
  };
}
