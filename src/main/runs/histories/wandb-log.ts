/** The rows, config and name of an offline run of Weights & Biases. */
import { parsePythonJson } from '../../formats/files/json-file.ts';
import type { Plain } from '../../formats/pickle/plain.ts';
import { readWandbFile, type WandbItem } from '../../formats/logs/wandb-file.ts';
import { endsEarly } from './event-logs.ts';
import { Values, type Logged, type LoggedRow } from './logged.ts';

export interface WandbLog extends Logged {
  readonly config: Readonly<Record<string, Plain>>;
  /** null: it has none. */
  readonly name: string | null;
}

export async function readWandbLog(path: string): Promise<WandbLog> {
  const rows: LoggedRow[] = [];
  const otherNames = new Set<string>();
  const config = new Map<string, Plain>();
  const values = new Values(path);
  let name: string | null = null;
  const truncatedAt = await readWandbFile(path, ({ history, config: changed, run }) => {
    for (const item of [...(run?.config?.update ?? []), ...(changed?.update ?? [])])
      config.set(nameOf(item), valueOf(item));
    name = run?.displayName || name;
    if (history === undefined) return;
    const row: LoggedRow = { step: history.step?.num ?? 0, values: new Map() };
    for (const item of history.item ?? []) {
      const value = valueOf(item);
      if (typeof value === 'number') values.put(row, nameOf(item), value);
      else if (value !== null) otherNames.add(nameOf(item));
    }
    rows.push(row);
  });
  const warnings = truncatedAt === null ? [] : [endsEarly(path, truncatedAt)];
  return { rows, otherNames: [...otherNames], isByEpoch: false, warnings, config: Object.fromEntries(config), name };
}

function nameOf({ key, nestedKey }: WandbItem): string {
  return nestedKey && nestedKey.length > 0 ? nestedKey.join('/') : (key ?? '');
}

/** From version 0.24 on numbers may stand in fields of their own, before that all values are JSON. */
function valueOf({ integer, number, valueJson }: WandbItem): Plain {
  return integer ?? number ?? (valueJson === undefined ? null : parsePythonJson(valueJson));
}
