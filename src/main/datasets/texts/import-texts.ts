/**
 * Reads the texts of a file into the text store of an import, once the vectors have their ids. Texts that cannot be used
 * leave a warning and an import without texts, unless the user named their column. M chunks, N windows, T context length.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import type { TextFigures } from '#shared/domain/datasets/passport.ts';
import type { Column, DataFile } from '../../formats/columns/table.ts';
import { noColumn, TARGET_TEXT_NAMES, TEXT_NAMES } from '../import/columns.ts';
import type { Layout } from '../import/layout.ts';
import type { ReadData } from '../import/read-data.ts';
import { FILES } from '../store-files.ts';
import { isUnusable } from '../import/unusable.ts';
import { TextStoreWriter } from './text-store.ts';

const CONTEXT_TEXT_NAMES = ['context_texts'];

export interface TextOptions {
  /** Column the user named; null: one with a known name, where there is one. */
  readonly textColumn: string | null;
  readonly signal?: AbortSignal;
}

export interface ImportedTexts {
  readonly figures: TextFigures;
  /** CRC-32 by file name. */
  readonly checksums: Readonly<Record<string, number>>;
}

/** Texts in their order in the file, and the vector of each. */
interface TextSource {
  readonly name: string;
  /** Texts the column must hold. */
  readonly count: number;
  readonly vectorOf: (n: number) => number;
}

/** null: the file has no texts, or they cannot be used; `data.warnings` then says why. */
export async function importTexts(
  file: DataFile,
  layout: Layout,
  data: ReadData,
  folder: string,
  options: TextOptions,
): Promise<ImportedTexts | null> {
  const sources = textSources(file, layout, data, options.textColumn);
  if (sources.length === 0) return null;
  const writer = new TextStoreWriter(folder, data.vectorArticles.length);
  try {
    for (const source of sources) await addTexts(await file.column(source.name), source, writer, options.signal);
    const { figures, checksums } = writer.finish();
    return { figures: { ...figures, from: sources.map(({ name }) => name) }, checksums };
  } catch (error) {
    writer.abandon();
    if (options.textColumn !== null || !isUnusable(error)) throw error;
    for (const name of [FILES.texts, FILES.textBlocks, FILES.vectorTexts])
      await rm(join(folder, name), { force: true });
    const message = `${error.message} The set was imported without texts.`;
    data.warnings.push({ code: 'TEXTS_UNUSABLE', message, count: sources.reduce((sum, { count }) => sum + count, 0) });
    return null;
  }
}

function textSources(file: DataFile, layout: Layout, data: ReadData, wanted: string | null): TextSource[] {
  if (wanted !== null && !file.names.includes(wanted)) throw noColumn(file, wanted);
  const find = (names: readonly string[]): string | undefined =>
    wanted ?? names.find((name) => file.names.includes(name));
  if (layout.kind === 'chunks') {
    const name = find(TEXT_NAMES);
    const { fileIds } = data;
    return name === undefined || !fileIds ? [] : [{ name, count: layout.M, vectorOf: (row) => fileIds[row] }];
  }
  const { T, index } = data;
  return textSections(layout, data).flatMap(({ name: split, first, count }, i) => {
    // A file whose arrays have no prefix is its training split.
    const prefix = layout.splits[i].contexts.name.startsWith(`${split}_`) ? `${split}_` : '';
    const at = first * (T + 1);
    const sources: TextSource[] = [];
    const context = CONTEXT_TEXT_NAMES.map((name) => prefix + name).find((name) => file.names.includes(name));
    if (context !== undefined) {
      const vectorOf = (n: number): number => index[at + Math.floor(n / T) * (T + 1) + (n % T)];
      sources.push({ name: context, count: count * T, vectorOf });
    }
    const target = find(TARGET_TEXT_NAMES.map((name) => prefix + name));
    if (target !== undefined) sources.push({ name: target, count, vectorOf: (n) => index[at + n * (T + 1) + T] });
    return sources;
  });
}

/** Splits whose texts stand in columns of their own; those of a table share its columns. */
function textSections({ splits }: Extract<Layout, { kind: 'windows' }>, data: ReadData): ReadData['splits'] {
  const isShared = splits.length > 1 && splits[0].contexts.name === splits[1].contexts.name;
  return isShared ? [{ name: 'all', first: 0, count: data.index.length / (data.T + 1) }] : data.splits;
}

async function addTexts(
  column: Column,
  { count, vectorOf }: TextSource,
  writer: TextStoreWriter,
  signal?: AbortSignal,
): Promise<void> {
  if (!column.readableAs.includes('texts')) {
    throw new NextvecError('UNSUPPORTED_DTYPE', `${column.place}: texts were expected, this is ${column.dtype}.`, {
      remedy: 'Store it as text, name another column with --text-column, or import with --no-texts.',
    });
  }
  let n = 0;
  for await (const block of column.texts({ signal })) {
    if (n + block.length > count) break;
    for (const text of block) {
      const at = n++;
      if (text !== null) writer.add(vectorOf(at), text, () => `${column.place}: text ${at}`);
    }
    await nextTurn();
    throwIfCancelled(signal, 'The import');
  }
  if (n === count) return;
  throw new NextvecError(
    'COUNT_MISMATCH',
    `${column.place}: it does not have exactly ${count} texts, one for each vector.`,
    {
      remedy: 'Write the texts in the order of the vectors, or import with --no-texts.',
    },
  );
}
