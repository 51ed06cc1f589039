/** Contexts to predict from: windows of a stored data set, or rows of a file of arrays. B rows, T length, D width. */
import { MOST_ROWS } from '#shared/contract/inference.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { WindowPlace } from '#shared/domain/inspection.ts';
import { elementCount, type ModelSpec } from '#shared/domain/models.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { openArrayFile, type ArrayInfo } from '../formats/arrays.ts';
import { readRows } from '../formats/rows.ts';
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
/** In the order of the contexts they stand beside. */
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

export async function windowsOf(
  dataset: Dataset,
  name: string,
  windows: readonly number[],
  spec: ModelSpec,
): Promise<Contexts> {
  const { T, D } = dataset;
  if (T !== spec.T || D !== spec.D) throw misfit(name, `${T}×${D}`, spec);
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
  const file = await openArrayFile(path);
  try {
    const array = contextArray(file.arrays, spec);
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
    const known = targetArray(file.arrays, array, total, spec);
    return {
      rows,
      contexts: await pickRows(array, total, rows, spec.T * spec.D),
      targets: known && (await pickRows(known, total, rows, spec.D)),
      ids: null,
      places: rows.map(() => null),
    };
  } finally {
    await file.close();
  }
}

function contextArray(arrays: readonly ArrayInfo[], spec: ModelSpec): ArrayInfo {
  const named = CONTEXT_NAMES.map((name) => arrays.find((array) => array.name === name)).find((array) => array);
  const array = named ?? (arrays.length === 1 ? arrays[0] : undefined);
  if (!array) {
    throw new NextvecError(
      'NO_KNOWN_ARRAYS',
      `None of the arrays is a context (${arrays.map(({ name }) => name).join(', ')}).`,
      {
        remedy: `Name it "contexts", or give a .npy file with that one array of shape [rows, ${spec.T}, ${spec.D}].`,
      },
    );
  }
  const { shape, dtype } = array;
  const [T, D] = shape.slice(-2);
  if ((shape.length !== 3 && shape.length !== 2) || T !== spec.T || D !== spec.D)
    throw misfit(array.place, shape.join('×'), spec);
  if (dtype.kind === 'f' || dtype.kind === 'bf') return array;
  throw new NextvecError(
    'UNSUPPORTED_DTYPE',
    `${array.place}: contexts must be floating-point numbers, not ${dtype.label}.`,
  );
}

/** What follows each context, where the file says it in the same width and for every row; else nothing is known. */
function targetArray(
  arrays: readonly ArrayInfo[],
  { name }: ArrayInfo,
  total: number,
  { D }: ModelSpec,
): ArrayInfo | null {
  const names = TARGET_NAMES[name] ?? PLAIN_TARGET_NAMES;
  const array = names.map((wanted) => arrays.find((one) => one.name === wanted)).find((one) => one);
  if (!array || (array.dtype.kind !== 'f' && array.dtype.kind !== 'bf')) return null;
  return elementCount(array.shape) === total * D && array.shape[array.shape.length - 1] === D ? array : null;
}

/** Rows of `size` numbers of an array that holds `total` of them. */
async function pickRows(
  array: ArrayInfo,
  total: number,
  rows: readonly number[],
  size: number,
): Promise<Float32Array<ArrayBuffer>> {
  const contexts = new Float32Array(rows.length * size);
  // One context is a file of one row.
  const asRows = { ...array, shape: [total, size] };
  for await (const { firstRow, rows: count, values } of readRows(asRows)) {
    for (const [b, row] of rows.entries()) {
      const at = (row - firstRow) * size;
      if (row >= firstRow && row < firstRow + count) contexts.set(values.subarray(at, at + size), b * size);
    }
  }
  return contexts;
}
