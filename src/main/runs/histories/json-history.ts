/**
 * The rows of a history as Python programs keep it: a dict of lists (one value an epoch), a list of dicts, or either below
 * `history`; dicts in it may be nested. Read from JSON and from checkpoints.
 */
import { isDict, type PlainDict } from '../../weights/args.ts';
import type { Plain } from '../../formats/pickle/plain.ts';
import { counterOf } from './names.ts';
import { Values, type Logged, type LoggedRow } from './logged.ts';

const CONTAINERS = ['history', 'training_history', 'log_history', 'metrics', 'epochs', 'logs'];
/** Keys of arguments, whose lists are no curves. */
export const ARGUMENTS = ['config', 'args', 'hparams', 'hyper_parameters', 'hyperparameters', 'params'];
const MOST_DEPTH = 4;

/** No rows: the value holds no history. `path`: the file it is from. Throws OUT_OF_RANGE as `Values`. */
export function loggedOf(value: Plain | undefined, path: string): Logged {
  const lists = new Map<string, readonly Plain[]>();
  const put = new Values(path);
  const rows = Array.isArray(value) ? rowsOfList(value, put) : isDict(value) ? rowsOfDict(value, lists, put) : [];
  const otherNames: string[] = [];
  for (const [name, list] of lists) {
    if (!list.some((item) => typeof item === 'number')) otherNames.push(name);
    else putList(put, rows, name, list);
  }
  const lengths = new Set([...lists.values()].map(({ length }) => length));
  const warnings = lengths.size > 1 ? ['Its lists differ in length: each begins with the first epoch.'] : [];
  const names = new Set(rows.flatMap(({ values }) => [...values.keys()]));
  const isCounted = [...names].some((name) => counterOf(name) === 'step');
  return { rows, otherNames, isByEpoch: !isCounted, warnings };
}

/** Rows of a list of dicts in a container; lists, also those beside the container, go to `lists`. */
function rowsOfDict(history: PlainDict, lists: Map<string, readonly Plain[]>, put: Values): LoggedRow[] {
  const container = CONTAINERS.find((name) => isDict(history[name]) || isListOfDicts(history[name]));
  for (const [key, item] of Object.entries(history)) {
    if (key !== container && !ARGUMENTS.includes(key)) collectLists(item, key, lists, 1);
  }
  const inner = container === undefined ? undefined : history[container];
  if (Array.isArray(inner)) return rowsOfList(inner, put);
  return isDict(inner) ? rowsOfDict(inner, lists, put) : [];
}

function collectLists(item: Plain, name: string, lists: Map<string, readonly Plain[]>, depth: number): void {
  if (Array.isArray(item)) lists.set(name, item);
  else if (isDict(item) && depth < MOST_DEPTH) {
    for (const [key, inner] of Object.entries(item)) collectLists(inner, `${name}/${key}`, lists, depth + 1);
  }
}

/** One value a row, from the first on. */
function putList(put: Values, rows: LoggedRow[], name: string, list: readonly Plain[]): void {
  list.forEach((item, i) => {
    rows[i] ??= emptyRow();
    if (typeof item === 'number') put.put(rows[i], name, item);
  });
}

function isListOfDicts(value: Plain | undefined): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isDict);
}

function rowsOfList(list: readonly Plain[], put: Values): LoggedRow[] {
  return list.filter(isDict).map((entry) => {
    const row = emptyRow();
    putAll(put, row, entry, '', 0);
    return row;
  });
}

function putAll(put: Values, row: LoggedRow, dict: PlainDict, prefix: string, depth: number): void {
  for (const [key, value] of Object.entries(dict)) {
    if (isDict(value) && depth < MOST_DEPTH) putAll(put, row, value, `${prefix}${key}/`, depth + 1);
    else if (typeof value === 'number') put.put(row, `${prefix}${key}`, value);
  }
}

function emptyRow(): LoggedRow {
  return { step: null, values: new Map() };
}
