/** Texts of vectors: those of a window in reading order, those of a set in the order of its file. */
import type { Place } from '#shared/contract/places.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { WindowTexts } from '#shared/domain/evaluation/inspection.ts';
import { openDataset, type Dataset } from '../dataset.ts';
import { placesOf, shownText } from '../places.ts';

type Windows = Pick<Dataset, 'T' | 'index' | 'texts'>;

/** `window`: its number in the set. */
export function windowTexts({ T, index, texts }: Windows, window: number): WindowTexts {
  const ids = index.subarray(window * (T + 1), (window + 1) * (T + 1));
  const reader = texts();
  const context = Array.from(ids.subarray(0, T), (id) => shownText(reader.text(id)));
  return { context, target: shownText(reader.text(ids[T])) };
}

export function targetText({ T, index, texts }: Windows, window: number): string | null {
  return shownText(texts().text(index[window * (T + 1) + T]));
}

/** Texts of some windows of a stored set. */
export function textsOfWindows(folder: string, windows: readonly number[]): WindowTexts[] {
  using dataset = openDataset(folder);
  const beyond = windows.find((window) => window >= dataset.windows);
  if (beyond !== undefined) {
    const last = dataset.windows - 1;
    throw new NextvecError('OUT_OF_RANGE', `There is no window ${beyond}; the last is ${last}.`, {
      remedy: 'Name windows that are there.',
    });
  }
  return windows.map((window) => windowTexts(dataset, window));
}

/** Vectors of a stored set from the `first` on, in the order of the file. */
export function listTexts(folder: string, first: number, count: number): Place[] {
  using dataset = openDataset(folder);
  const last = Math.min(dataset.fileVectors, first + count);
  const vectors = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  return vectors.map(placesOf(dataset, vectors));
}
