/** The files that the input of a call names, found at the places its contract declares (`CallMeta.files`). */
import { findRunByHandle } from '../store/runs.ts';
import type { Home } from '../store/home.ts';
import { requireInside } from '../system/files.ts';

/** Strings at a place of an input that has not been validated yet; other values are left to the validation. */
function stringsAt(input: unknown, place: string): string[] {
  return place
    .split('.')
    .reduce<unknown[]>(childrenOf, [input])
    .filter((value) => typeof value === 'string');
}

function childrenOf(values: readonly unknown[], name: string): unknown[] {
  return values.flatMap((value) => {
    if (name === '*') return Array.isArray(value) ? value : [];
    return typeof value === 'object' && value !== null ? [(value as Record<string, unknown>)[name]] : [];
  });
}

/** Throws NO_PERMISSION for a file outside `roots`; null: any file may be read. */
export async function requireReadable(
  { db }: Pick<Home, 'db'>,
  roots: readonly string[] | null,
  input: unknown,
  places: readonly string[],
): Promise<void> {
  if (roots === null) return;
  for (const place of places) {
    const isRunOrFile = place.endsWith('initFrom');
    for (const path of stringsAt(input, place)) {
      if (isRunOrFile && findRunByHandle(db, path) !== null) continue;
      await requireInside(path, roots);
    }
  }
}
