/** The recorder on a disk that is full for a while: nothing is lost, the run is paused once. */
import { describe, expect, test, vi } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import { Recorder } from '../../../src/main/runs/live/recorder.ts';
import { openDatabase, type Db } from '../../../src/main/store/database.ts';
import { listLog } from '../../../src/main/store/history.ts';
import { findRun, insertRun } from '../../../src/main/store/runs.ts';
import { readSeries } from '../../../src/main/store/series.ts';

function block(firstStep: number, count: number): StepBlock {
  const values = Float32Array.from({ length: count }, (_, i) => firstStep + i);
  const columns = Object.fromEntries(STEP_COLUMNS.map((name) => [name, values])) as Record<
    StepColumn,
    Float32Array<ArrayBuffer>
  >;
  return { type: 'steps', epoch: 1, firstStep, count, columns, rowsPerSecond: 1, rowsDone: 0, rowsInEpoch: 1 };
}

function store(): Db {
  const db = openDatabase(':memory:');
  db.pragma('foreign_keys = OFF');
  const recipe = RecipeSchema.parse({ dataset: 'd' });
  insertRun(db, {
    id: 'r',
    name: null,
    recipe,
    datasetName: 'd',
    oodName: null,
    tags: [],
    appVersion: '0',
    createdAt: 0,
  });
  return db;
}

const steps = (db: Db) =>
  Array.from(
    readSeries(db, { runId: 'r', columns: ['total'], fromStep: null, toStep: null, maxPoints: 20_000 }).mean.total ??
      [],
  );

const hooks = { onDiskFull: () => undefined, onDiskFree: () => undefined, onGone: () => undefined };

describe('the recorder', () => {
  test('buffers everything while the disk is full and writes it once there is space', () => {
    const db = store();
    const onDiskFull = vi.fn<() => void>();
    const onDiskFree = vi.fn<() => void>();
    const recorder = new Recorder(db, 'r', { ...hooks, onDiskFull, onDiskFree });
    recorder.begin(1, null);
    recorder.addSteps(block(1, 100));
    expect(recorder.flush()).toBe(true);
    const pages = db.pragma('page_count', { simple: true }) as number;
    db.pragma(`max_page_count = ${pages}`);
    recorder.addSteps(block(101, 6000));
    recorder.addLog({ at: 1, level: 'info', message: 'after the steps' });
    recorder.update({ step: 6100 });
    expect(recorder.flush()).toBe(false);
    expect(recorder.flush()).toBe(false);
    expect(onDiskFull).toHaveBeenCalledTimes(1);
    expect(steps(db)).toHaveLength(100);
    expect(findRun(db, 'r')?.step).toBe(0);
    recorder.addSteps(block(6101, 10));
    db.pragma('max_page_count = 1000000');
    expect(recorder.flush()).toBe(true);
    expect(onDiskFree).toHaveBeenCalledTimes(1);
    expect(steps(db)).toEqual(Array.from({ length: 6110 }, (_, i) => i + 1));
    expect(listLog(db, 'r').map(({ message }) => message)).toEqual(['after the steps']);
    expect(findRun(db, 'r')?.step).toBe(6100);
    recorder.end();
    expect(steps(db)).toHaveLength(6110);
    db.close();
  });

  test('flushes within a second', async () => {
    const db = store();
    const recorder = new Recorder(db, 'r', hooks);
    recorder.begin(1, null);
    recorder.addSteps(block(1, 3));
    expect(recorder.unflushed()).toHaveLength(1);
    expect(steps(db)).toHaveLength(0);
    await expect.poll(() => steps(db)).toEqual([1, 2, 3]);
    expect(recorder.unflushed()).toHaveLength(0);
    db.close();
  });
});
