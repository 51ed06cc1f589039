/** `data export` and `predict --all`: files that data workers write. */
import { DATA_EXPORT_FORMATS, DEFAULT_SPLIT } from '#shared/domain/datasets/export.ts';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { checkTarget, moveToTarget, withScratch } from '../../formats/files/output-file.ts';
import type { CommandContext } from '../context.ts';
import { findDataset, findRun, readableDataset } from '../handles.ts';
import { inScratch } from './history.ts';
import { interruptible } from '../interruption.ts';
import { formatBytes, printProgress, type Output } from '../output.ts';
import { withSession, type Session } from '../session.ts';

export interface DataExportFlags {
  readonly format?: string;
  readonly out?: string;
  readonly texts?: boolean;
  readonly windows?: boolean;
  /** true: given without a run. */
  readonly split?: string | true;
}

export function exportData(
  context: CommandContext,
  handle: string,
  flags: DataExportFlags,
  out: Output,
): Promise<void> {
  return writeTo(context, flags.out, out, (session) => writeData(session, handle, flags, out));
}

export interface PredictionExportFlags {
  readonly data: string;
  readonly out?: string;
  readonly texts?: boolean;
}

/** Predictions of a run for every window of a set. */
export function exportPredictions(
  context: CommandContext,
  handle: string,
  flags: PredictionExportFlags,
  out: Output,
): Promise<void> {
  return writeTo(context, flags.out, out, async ({ client }) => {
    const { id: runId } = await findRun(client, handle);
    return interruptible(async (signal) => {
      const { id: datasetId } = await findDataset(client, flags.data, out, signal, { role: 'train' });
      const input = { runId, datasetId, texts: flags.texts ?? false };
      const done = await follow(client.inference.export(input, { signal }), out, signal);
      return { run: runId, dataset: datasetId, ...done };
    });
  });
}

interface Written {
  readonly dataset?: string;
  readonly run?: string;
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly importFlags?: string;
}

/** Writes to the file that was named, or leaves the result in the storage folder's `exports/`. */
async function writeTo(
  context: CommandContext,
  file: string | undefined,
  out: Output,
  write: (session: Session) => Promise<Written>,
): Promise<void> {
  const print = (written: Written): void => out.result(written, () => printWritten(written, out));
  if (file === undefined) {
    return withSession(context.options(), out, 'any', async (session) => print(await write(session)));
  }
  const target = await checkTarget(file);
  await withScratch(target, (exportsFolder) => {
    const work = async (session: Session): Promise<void> => {
      const written = await write(session);
      await moveToTarget(target, written.path);
      print({ ...written, path: target.path });
    };
    return inScratch(withSession(context.options(), out, 'any', work, { exportsFolder }), exportsFolder, target.path);
  });
}

async function writeData({ client }: Session, handle: string, flags: DataExportFlags, out: Output): Promise<Written> {
  const format = DATA_EXPORT_FORMATS.find((name) => name === flags.format);
  if (format === undefined) {
    const what = flags.format === undefined ? 'data export needs a --format.' : `There is no format "${flags.format}".`;
    throw new NextvecError('BAD_INPUT', what, { remedy: `Formats: ${DATA_EXPORT_FORMATS.join(', ')}.` });
  }
  const dataset = await readableDataset(client, handle);
  const { split = null, texts = false, windows = false } = flags;
  const splitOf = typeof split === 'string' ? (await findRun(client, split)).id : split && DEFAULT_SPLIT;
  const input = { id: dataset.id, format, texts, windows, split: splitOf };
  const done = await interruptible((signal) => follow(client.datasets.export(input, { signal }), out, signal));
  return { dataset: dataset.id, ...done };
}

interface Progress {
  readonly type: 'progress';
  readonly phase: string;
  readonly fraction: number | null;
}

interface Done extends Written {
  readonly type: 'done';
}

/** Prints the progress; returns what was written. Throws CANCELLED. */
async function follow(
  events: Promise<AsyncIterable<Progress | Done>>,
  out: Output,
  signal: AbortSignal,
): Promise<Written> {
  for await (const event of await events) {
    if (event.type === 'progress') {
      printProgress(event, out);
      continue;
    }
    const { type: _, ...written } = event;
    return written;
  }
  throwIfCancelled(signal, 'The export');
  throw new NextvecError('INTERNAL', 'The export ended without a result.');
}

function printWritten({ path, rows, bytes, importFlags = '' }: Written, out: Output): void {
  out.line(path);
  out.progress(`${rows} rows, ${formatBytes(bytes)}`, true);
  if (importFlags !== '') out.progress(`Import it with ${importFlags} for the same windows`, true);
}
