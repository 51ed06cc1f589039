/** Reads the source of a data set anew, with the columns and settings it was imported with. */
import { existsSync } from 'node:fs';
import type { Dataset, ImportEvent } from '#shared/contract/datasets.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { NO_MAPPING } from '#shared/domain/datasets/mapping.ts';
import { isPattern } from '../../formats/shards.ts';
import type { WorkerClient } from '../../processes/worker-pool.ts';
import { freeName, renameDataset, requireDataset, importOptionsOf, type ImportOptions } from '../../store/datasets.ts';
import { importFile, type ImportContext, type ImportInput } from './worker-import.ts';

/**
 * `done` with `alreadyThere` where the content is that of a stored set, else with a new set. Throws FILE_NOT_FOUND where the
 * source is gone, NO_KNOWN_ARRAYS where a column is.
 */
export async function* importAgain(
  context: ImportContext,
  dataset: Dataset,
  signal?: AbortSignal,
): AsyncGenerator<ImportEvent> {
  const { id, name, sourcePath } = dataset;
  if (!existsSync(sourcePath) && !isPattern(sourcePath)) throw sourceGone(dataset);
  const { db } = context.home;
  const options = importOptionsOf(db, id);
  if (dataset.passport.kind === 'windows') await refuseOtherKind(context, dataset, signal);
  for await (const event of importFile(context, inputOf(dataset, options), signal, options)) {
    if (event.type !== 'done' || event.alreadyThere) {
      yield event;
      continue;
    }
    renameDataset(db, event.dataset.id, freeName(db, name));
    yield { ...event, dataset: requireDataset(db, event.dataset.id) };
  }
}

function inputOf({ sourcePath, passport }: Dataset, options: ImportOptions): ImportInput {
  const { dtype, crossArticles, T = null, history = null, stride, normalise, mapping = NO_MAPPING } = options;
  const { text, ...columns } = passport.columns ?? { ...mapping, text: null };
  // A set that was read in the order of its file stays so.
  const order = passport.columns ? (columns.order ?? false) : columns.order;
  return {
    path: sourcePath,
    dtype,
    crossArticles,
    contextLength: T,
    history,
    stride,
    normalise,
    mapping: { ...columns, order },
    texts: passport.texts !== null,
    textColumn: text,
  };
}

/** A file of windows needs no mapping, so that without this it would be read as chunks where it holds such now. */
async function refuseOtherKind(
  { workers }: ImportContext,
  { name, sourcePath }: Dataset,
  signal?: AbortSignal,
): Promise<void> {
  const describe = (client: WorkerClient) => client.describe({ path: sourcePath }, { signal });
  const { kind } = await workers.read(sourcePath, describe, signal);
  if (kind === 'windows') return;
  throw new NextvecError(
    'NO_KNOWN_ARRAYS',
    `${sourcePath} no longer holds windows, as it did when "${name}" was imported.`,
    {
      remedy: 'Import it as another set.',
      details: { place: sourcePath },
    },
  );
}

function sourceGone({ name, sourcePath }: Dataset): NextvecError {
  return new NextvecError('FILE_NOT_FOUND', `The source of "${name}" is gone: there is no ${sourcePath}.`, {
    remedy: 'Put the file back, or import it from where it is now. The stored set does not need it.',
    details: { place: sourcePath },
  });
}
