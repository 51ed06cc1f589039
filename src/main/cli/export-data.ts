/** `data export`: a data set written to a file. */
import { DATA_EXPORT_FORMATS, DEFAULT_SPLIT } from '#shared/domain/datasets/export.ts';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { unknownDataset } from '#shared/domain/not-found.ts';
import { checkTarget, moveToTarget, withScratch } from '../formats/output-file.ts';
import type { CommandContext } from './context.ts';
import { findRun, storedDataset } from './handles.ts';
import { inScratch } from './history.ts';
import { interruptible } from './interruption.ts';
import { formatBytes, printProgress, type Output } from './output.ts';
import { withSession, type Session } from './session.ts';

export interface DataExportFlags {
  readonly format?: string;
  readonly out?: string;
  readonly texts?: boolean;
  readonly windows?: boolean;
  /** true: given without a run. */
  readonly split?: string | true;
}

export async function exportData(
  context: CommandContext,
  handle: string,
  flags: DataExportFlags,
  out: Output,
): Promise<void> {
  if (flags.out === undefined) {
    return withSession(context.options(), out, 'any', async (session) => {
      const written = await write(session, handle, flags, out);
      out.result(written, () => printWritten(written, out));
    });
  }
  const target = await checkTarget(flags.out);
  await withScratch(target, (exportsFolder) => {
    const work = async (session: Session): Promise<void> => {
      const written = await write(session, handle, flags, out);
      await moveToTarget(target, written.path);
      const moved = { ...written, path: target.path };
      out.result(moved, () => printWritten(moved, out));
    };
    return inScratch(withSession(context.options(), out, 'any', work, { exportsFolder }), exportsFolder, target.path);
  });
}

interface Written {
  readonly dataset: string;
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly importFlags: string;
}

async function write({ client }: Session, handle: string, flags: DataExportFlags, out: Output): Promise<Written> {
  const format = DATA_EXPORT_FORMATS.find((name) => name === flags.format);
  if (format === undefined) {
    const what = flags.format === undefined ? 'data export needs a --format.' : `There is no format "${flags.format}".`;
    throw new NextvecError('BAD_INPUT', what, { remedy: `Formats: ${DATA_EXPORT_FORMATS.join(', ')}.` });
  }
  const dataset = storedDataset(await client.datasets.list(), handle);
  if (dataset === null) throw unknownDataset(handle);
  const { split = null } = flags;
  const side = typeof split === 'string' ? (await findRun(client, split)).id : split && DEFAULT_SPLIT;
  const { id, name } = dataset;
  const input = { id, format, texts: flags.texts ?? false, windows: flags.windows ?? false, split: side };
  return interruptible(async (signal) => {
    for await (const event of await client.datasets.export(input, { signal })) {
      if (event.type === 'done') {
        const { path, rows, bytes, importFlags } = event;
        return { dataset: id, path, rows, bytes, importFlags };
      }
      printProgress({ phase: `${name}: ${event.phase}`, fraction: event.fraction }, out);
    }
    throwIfCancelled(signal, 'The export');
    throw new NextvecError('INTERNAL', `The export of ${name} ended without a result.`);
  });
}

function printWritten({ path, rows, bytes, importFlags }: Written, out: Output): void {
  out.line(path);
  out.progress(`${rows} rows, ${formatBytes(bytes)}`, true);
  if (importFlags !== '') out.progress(`Import it with ${importFlags} for the same windows`, true);
}
