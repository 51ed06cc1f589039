/**
 * Predictions of a run's best checkpoint for every window of a stored set, as Parquet. Runs in a data worker. The
 * checkpoint reproduces its golden output first. T context length, D width.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Predictor, WindowSource } from '#engine/types.ts';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { refuseOtherTask } from '../datasets/other-task.ts';
import { openCheckpoint } from '../evaluation/model.ts';
import { proveGolden } from '../evaluation/parity.ts';
import { writeRows, type ExportOptions, type WrittenFile } from '../formats/out/file.ts';
import { writeParquet } from '../formats/out/parquet.ts';
import type { OutColumn, OutTable } from '../formats/out/table.ts';
import type { ExportPredictionsJob } from '../processes/jobs/export-predictions.ts';
import { refuseOtherShape } from './contexts.ts';
import { bestCheckpoint, cosine, unit } from './predict.ts';

const BATCH = 256;
/** Windows that are predicted before they are written. */
const PART = 32 * BATCH;
/** Vectors beyond this stay on disk: a trainer may hold them all already. */
const MEMORY_BYTES = 512 << 20;

/** Throws CANCELLED; faults of the file system name `job.target`. */
export async function exportPredictions(job: ExportPredictionsJob, options: ExportOptions): Promise<WrittenFile> {
  const checkpoint = await bestCheckpoint(job);
  const { spec, golden } = checkpoint;
  using set = openDataset(job.set.folder);
  refuseOtherShape(job.set.name, set, spec);
  refuseOtherTask(set, job.set.name, job);
  if (job.texts && !set.meta.passport.texts) throw noTexts(job.set.name);
  const sizes = { maxBatch: Math.max(golden.B, BATCH), rows: golden.B + set.windows };
  await using opened = await openCheckpoint(checkpoint, job, sizes);
  await proveGolden(opened.model, checkpoint);
  const tables = predictedTables(opened.model, set, job.texts, options.signal);
  return await writeRows(job, set.windows, options, (out, writing) => writeParquet(tables, out, writing));
}

async function* predictedTables(
  model: Predictor,
  set: Dataset,
  withTexts: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<OutTable> {
  const source = await set.source(undefined, { memoryBytes: MEMORY_BYTES, signal });
  for (let first = 0; first < set.windows; first += PART) {
    const count = Math.min(PART, set.windows - first);
    const predicted = await predictWindows(model, source, first, count, signal);
    yield { rows: count, columns: columnsOf(set, first, predicted, withTexts) };
  }
}

interface Predicted {
  /** [count, D], of length 1. */
  readonly unit: Float32Array<ArrayBuffer>;
  /** [count], to the targets. */
  readonly cosines: Float32Array<ArrayBuffer>;
}

async function predictWindows(
  model: Predictor,
  source: WindowSource,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Predicted> {
  const { T, D } = source;
  const all = new Float32Array(count * D);
  const cosines = new Float32Array(count);
  const contexts = new Float32Array(BATCH * T * D);
  const targets = new Float32Array(BATCH * D);
  for (let at = 0; at < count; at += BATCH) {
    await nextTurn();
    throwIfCancelled(signal, 'The export');
    const B = Math.min(BATCH, count - at);
    source.gather(
      Uint32Array.from({ length: B }, (_, b) => first + at + b),
      contexts,
      targets,
    );
    const { raw } = await model.predict(contexts.subarray(0, B * T * D), B);
    const pred = unit(raw, D);
    all.set(pred, at * D);
    for (let b = 0; b < B; b++) cosines[at + b] = cosine(pred, b, targets, b, D);
  }
  return { unit: all, cosines };
}

/** Of windows `start` and those after it. */
function columnsOf(set: Dataset, start: number, { unit: pred, cosines }: Predicted, withTexts: boolean): OutColumn[] {
  const { T, D, index, windowArticles, articleLabels } = set;
  const windows = (first: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => start + first + i);
  const columns: OutColumn[] = [
    { kind: 'integers', name: 'window', read: (first, count) => BigInt64Array.from(windows(first, count), BigInt) },
  ];
  if (windowArticles && articleLabels) {
    const article = (window: number): bigint => BigInt(articleLabels[windowArticles[window]]);
    columns.push({
      kind: 'integers',
      name: 'article_indices',
      read: (first, count) => BigInt64Array.from(windows(first, count), article),
    });
  }
  columns.push({ kind: 'floats', name: 'target_cosine', read: (first, count) => cosines.slice(first, first + count) });
  const elements = (first: number, count: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(pred.slice(first * D, (first + count) * D).buffer);
  columns.push({ kind: 'vectors', name: 'prediction', dtype: 'float32', shape: [D], read: elements });
  if (!withTexts) return columns;
  const reader = set.texts();
  const textAt = (name: string, position: number): OutColumn => ({
    kind: 'texts',
    name,
    read: (first, count) => windows(first, count).map((window) => reader.text(index[window * (T + 1) + position])),
  });
  return [...columns, textAt('last_text', T - 1), textAt('target_text', T)];
}

function noTexts(name: string): NextvecError {
  return new NextvecError('BAD_INPUT', `${name} was imported without texts.`, { remedy: 'Leave out --texts.' });
}
