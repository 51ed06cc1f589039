/** Contexts to predict from: windows of a stored data set, or rows of a file of arrays. B rows, T length, D width. */
import { MOST_ROWS } from '#shared/contract/inference.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { WindowPlace } from '#shared/domain/evaluation/inspection.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { elementCount } from '#shared/domain/models/shapes.ts';
import { nameList } from '#shared/domain/short-text.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { openDataFile } from '../formats/open.ts';
import { unravel } from '../formats/columns/rows.ts';
import { rowLength, type Column, type DataFile } from '../formats/columns/table.ts';
import { windowPlaces } from '../datasets/window-places.ts';

export interface Contexts {
  /** Window of the set, or row of the file, of each context. */
  readonly rows: readonly number[];
  /** [B, T, D] */
  readonly contexts: Float32Array<ArrayBuffer>;
  /** [B, D]; null: not known. */
  readonly targets: Float32Array<ArrayBuffer> | null;
  /** [B, T+1] vector ids of a data set, target last. */
  readonly ids: Uint32Array | null;
  readonly places: readonly WindowPlace[];
}

const CONTEXT_NAMES = ['context_sequences', 'contexts', 'context', 'train_context_sequences', 'val_context_sequences'];
/** In the order of the contexts. */
const TARGET_NAMES: Readonly<Record<string, readonly string[]>> = {
  train_context_sequences: ['train_target_vectors', 'train_targets'],
  val_context_sequences: ['val_target_vectors', 'val_targets'],
};
const PLAIN_TARGET_NAMES = ['target_vectors', 'targets', 'target'];

function misfit(place: string, shape: string, { T, D }: ModelSpec): NextvecError {
  return new NextvecError('WIDTH_MISMATCH', `${place} has contexts of ${shape}; the model takes ${T}×${D}.`, {
    remedy: 'Give contexts of the length and from the encoder the model was trained on.',
    details: { place },
  });
}

/** Throws WIDTH_MISMATCH for a set whose windows the model does not take. */
export function refuseOtherShape(name: string, { T, D }: Pick<Dataset, 'T' | 'D'>, spec: ModelSpec): void {
  if (T !== spec.T || D !== spec.D) throw misfit(name, `${T}×${D}`, spec);
}

export async function windowsOf(
  dataset: Dataset,
  name: string,
  windows: readonly number[],
  spec: ModelSpec,
): Promise<Contexts> {
  const { T, D } = dataset;
  refuseOtherShape(name, dataset, spec);
  const beyond = windows.find((window) => window >= dataset.windows);
  if (beyond !== undefined) {
    throw new NextvecError(
      'OUT_OF_RANGE',
      `${name} has windows 0 to ${dataset.windows - 1}; there is no window ${beyond}.`,
      {
        remedy: 'Ask for a window that is there.',
        details: { place: name },
      },
    );
  }
  // A few rows: not worth loading the set into memory.
  const source = await dataset.source(undefined, { memoryBytes: 0 });
  const contexts = new Float32Array(windows.length * T * D);
  const targets = new Float32Array(windows.length * D);
  source.gather(Uint32Array.from(windows), contexts, targets);
  const width = T + 1;
  const ids = new Uint32Array(windows.length * width);
  windows.forEach((window, b) => ids.set(dataset.index.subarray(window * width, (window + 1) * width), b * width));
  const placeOf = windowPlaces(dataset);
  return { rows: windows, contexts, targets, ids, places: windows.map(placeOf) };
}

export async function rowsOfFile(path: string, wanted: readonly number[] | null, spec: ModelSpec): Promise<Contexts> {
  const file = await openDataFile(path);
  try {
    const array = await contextColumn(file, spec);
    const total = array.shape.length === 2 ? 1 : array.shape[0];
    const rows = wanted ?? Array.from({ length: Math.min(total, MOST_ROWS + 1) }, (_, i) => i);
    const problem = rows.length > MOST_ROWS ? `at most ${MOST_ROWS} rows are predicted at once` : null;
    const beyond = rows.find((row) => row >= total);
    if (problem !== null || beyond !== undefined) {
      throw new NextvecError(
        'OUT_OF_RANGE',
        `${array.place} has ${total} contexts; ${problem ?? `there is no row ${beyond}`}.`,
        {
          remedy: 'Name rows that are there, a thousand or fewer.',
          details: { place: array.place },
        },
      );
    }
    const known = await targetColumn(file, array, total, spec);
    return {
      rows,
      contexts: await pickRows(array, rows, spec.T * spec.D),
      targets: known && (await pickRows(known, rows, spec.D)),
      ids: null,
      places: rows.map(() => null),
    };
  } finally {
    await file.close();
  }
}

async function contextColumn(file: DataFile, spec: ModelSpec): Promise<Column> {
  const { names } = file;
  const name = CONTEXT_NAMES.find((known) => names.includes(known)) ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) {
    throw new NextvecError('NO_KNOWN_ARRAYS', `None of the arrays is a context (${nameList(names)}).`, {
      remedy: `Name it "contexts", or give a .npy file with that one array of shape [rows, ${spec.T}, ${spec.D}].`,
    });
  }
  const column = await file.column(name);
  const { shape, dtype, place } = column;
  const [T, D] = shape.slice(-2);
  if ((shape.length !== 3 && shape.length !== 2) || T !== spec.T || D !== spec.D) {
    throw misfit(place, shape.join('×'), spec);
  }
  if (column.readableAs.includes('floats')) return column;
  throw new NextvecError('UNSUPPORTED_DTYPE', `${place}: contexts must be floating-point numbers, not ${dtype}.`, {
    remedy: 'Store them as float16, float32 or float64.',
  });
}

/** Targets of the contexts, where the file has them in the same width for every row; else null. */
async function targetColumn(file: DataFile, { name }: Column, total: number, { D }: ModelSpec): Promise<Column | null> {
  const wanted = (TARGET_NAMES[name] ?? PLAIN_TARGET_NAMES).find((known) => file.names.includes(known));
  const column = wanted === undefined ? null : await file.column(wanted);
  if (!column?.readableAs.includes('floats')) return null;
  return elementCount(column.shape) === total * D && column.shape.at(-1) === D ? column : null;
}

/** Rows of `size` numbers; a row of the column is a whole one or, in a single context, a part of it. */
async function pickRows(column: Column, rows: readonly number[], size: number): Promise<Float32Array<ArrayBuffer>> {
  const picked = new Float32Array(rows.length * size);
  const W = rowLength(column);
  for await (const { firstRow, values } of column.rows()) {
    const first = firstRow * W;
    for (const [b, row] of rows.entries()) {
      const from = Math.max(first, row * size);
      const to = Math.min(first + values.length, (row + 1) * size);
      if (from < to) picked.set(values.subarray(from - first, to - first), b * size + from - row * size);
    }
  }
  const odd = picked.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw notFinite(column, rows[Math.floor(odd / size)] * size + (odd % size), picked[odd]);
  return picked;
}

/** `element`: its place in the column, row-major. */
function notFinite({ shape, place }: Column, element: number, value: number): NextvecError {
  const at = unravel(element, shape).join(', ');
  const what = Number.isNaN(value) ? 'NaN' : 'infinite';
  return new NextvecError('NOT_FINITE', `${place}: element [${at}] is ${what}.`, {
    remedy: 'Repair this row and write the file again, or leave it out with --rows.',
    details: { place },
  });
}
