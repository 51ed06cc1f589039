/** What a file holds, for choosing its columns: their types, first values, and a guess which is what. */
import { NO_MAPPING, type FileDescription } from '#shared/domain/datasets/mapping.ts';
import { isNextvecError } from '#shared/domain/errors.ts';
import { shortText } from '#shared/domain/short-text.ts';
import { openSource } from '../../formats/open-source.ts';
import { filesOf } from '../../formats/shards.ts';
import { rowLength, type Column, type DataFile } from '../../formats/columns/table.ts';
import { describeColumns, guessColumns, TEXT_NAMES } from './columns.ts';
import { hasWindows } from './layout.ts';

type ColumnDescription = FileDescription['columns'][number];

const FIRST_ROWS = 3;
const FIRST_ELEMENTS = 4;
const MAX_CHARACTERS = 120;
/** Columns of numbers above this are not read for their first values: they are read whole. */
const MAX_INTEGERS = 10_000_000;

export async function describeFile(path: string): Promise<FileDescription> {
  const [first, ...others] = await filesOf(path);
  const source = await openSource(first);
  if (source.kind === 'rows') return describe(source.file.sample, false);
  try {
    return await describe(source.file, others.length === 0);
  } finally {
    await source.file.close();
  }
}

/** `isWhole`: the rows of the file are those of an import. */
async function describe(file: DataFile, isWhole: boolean): Promise<FileDescription> {
  const { columns } = await describeColumns(file);
  const guess = guessColumns(columns, NO_MAPPING);
  const windows = hasWindows(file);
  const described: ColumnDescription[] = [];
  for (const column of columns) described.push(await describeColumn(column, isWhole));
  const text = TEXT_NAMES.find((name) => file.names.includes(name)) ?? null;
  return {
    format: file.format,
    bytes: file.bytes,
    columns: described,
    kind: windows ? 'windows' : guess && 'chunks',
    guess: { ...NO_MAPPING, ...guess, text },
  };
}

async function describeColumn(column: Column, isWhole: boolean): Promise<ColumnDescription> {
  const { name, dtype, shape, readableAs } = column;
  const rows = isWhole ? (shape[0] ?? 1) : null;
  return {
    name,
    type: dtype,
    rows,
    rowShape: shape.slice(1),
    readableAs: [...readableAs],
    first: await firstValues(column),
  };
}

/** Empty for data that cannot be read: the import says why. */
async function firstValues(column: Column): Promise<string[]> {
  try {
    if (column.readableAs.includes('texts')) return await firstTexts(column);
    if (column.shape.length > 1 && column.readableAs.includes('floats')) return await firstVectors(column);
    if (column.readableAs.includes('integers') && (column.shape[0] ?? 1) <= MAX_INTEGERS) {
      return Array.from((await column.integers()).subarray(0, FIRST_ROWS), String);
    }
  } catch (error) {
    if (!isNextvecError(error)) throw error;
  }
  return [];
}

async function firstTexts(column: Column): Promise<string[]> {
  for await (const block of column.texts()) {
    return block.slice(0, FIRST_ROWS).map((text) => shortText(text ?? '', MAX_CHARACTERS));
  }
  return [];
}

async function firstVectors(column: Column): Promise<string[]> {
  const W = rowLength(column);
  const elementBytes = 8;
  for await (const { rows, values } of column.rows({ blockBytes: FIRST_ROWS * W * elementBytes })) {
    return Array.from({ length: Math.min(rows, FIRST_ROWS) }, (_, r) =>
      vectorText(values.subarray(r * W, (r + 1) * W)),
    );
  }
  return [];
}

/** "0.0123, -0.456, 0.789, 0.0321, …" */
function vectorText(vector: Float32Array): string {
  const shown = Array.from(vector.subarray(0, FIRST_ELEMENTS), (x) => String(Number(x.toPrecision(3))));
  return [...shown, ...(vector.length > FIRST_ELEMENTS ? ['…'] : [])].join(', ');
}
