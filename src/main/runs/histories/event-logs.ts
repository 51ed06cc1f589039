/** The rows of TensorBoard event files: a value's step is that of its event, tags of sub-folders begin with their path. */
import { dirname, relative, sep } from 'node:path';
import { readEvents } from '../../formats/logs/read-events.ts';
import { Values, type Logged, type LoggedRow } from './logged.ts';

/** Where several files have a value of one tag and step, that of the last file is kept. */
export async function readEventLogs(paths: readonly string[]): Promise<Logged> {
  const folder = commonFolder(paths);
  const rows = new Map<number, LoggedRow>();
  const otherNames = new Set<string>();
  const warnings: string[] = [];
  const values = new Values(paths[0]);
  for (const path of paths) {
    const inner = relative(folder, dirname(path)).replaceAll(sep, '/');
    const nameOf = (tag: string): string => (inner === '' ? tag : `${inner}/${tag}`);
    const truncatedAt = await readEvents(path, {
      scalar(step, tag, value) {
        const row = rows.get(step) ?? { step, values: new Map() };
        rows.set(step, row);
        values.put(row, nameOf(tag), value);
      },
      other: (tag) => otherNames.add(nameOf(tag)),
    });
    if (truncatedAt !== null) warnings.push(endsEarly(path, truncatedAt));
  }
  const sorted = [...rows.values()].toSorted((a, b) => (a.step ?? 0) - (b.step ?? 0));
  return { rows: sorted, otherNames: [...otherNames], isByEpoch: false, warnings };
}

export function endsEarly(path: string, byte: number): string {
  return `${path} ends within the record at byte ${byte}: what was logged before it was read.`;
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]);
  for (const path of paths) while (!`${dirname(path)}${sep}`.startsWith(`${folder}${sep}`)) folder = dirname(folder);
  return folder;
}
