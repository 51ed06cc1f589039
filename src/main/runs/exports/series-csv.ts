/** The per-step series of a run as CSV: one line a step, an empty cell was not measured. Read and written in blocks. */
import { open } from 'node:fs/promises';
import { STEP_COLUMNS } from '#shared/domain/runs/training.ts';
import { csvText } from '#shared/domain/text-escapes.ts';
import type { Db } from '../../store/database.ts';
import { storedColumns } from '../../store/series-tail.ts';
import { readSeries } from '../../store/series.ts';

const BLOCK_STEPS = 4096;

/** Steps written. */
export async function writeSeriesCsv(db: Db, runId: string, lastStep: number, path: string): Promise<number> {
  const file = await open(path, 'w');
  const columns = [...new Set([...STEP_COLUMNS, ...storedColumns(db, runId)])];
  let steps = 0;
  try {
    await file.write(`step,${columns.map(csvText).join(',')}\n`);
    for (let from = 1; from <= lastStep; from += BLOCK_STEPS) {
      const to = Math.min(lastStep, from + BLOCK_STEPS - 1);
      const block = readSeries(db, {
        runId,
        columns,
        fromStep: from,
        toStep: to,
        maxPoints: BLOCK_STEPS,
      });
      if (block.step.length === 0) continue;
      const lines = Array.from(block.step, (step, i) =>
        [step, ...columns.map((column) => cell(block.mean[column][i]))].join(','),
      );
      steps += lines.length;
      await file.write(`${lines.join('\n')}\n`);
    }
  } finally {
    await file.close();
  }
  return steps;
}

/** Shortest text that gives the same float32 back. */
function cell(value: number): string {
  if (Number.isNaN(value)) return '';
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}
