/** Objects whose keys are exactly those of their type, which the types of Object.keys, entries and fromEntries leave open. */

/** A value for each key. */
export function recordOf<K extends string, V>(keys: readonly K[], valueOf: (key: K, i: number) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key, i) => [key, valueOf(key, i)])) as Record<K, V>;
}

export function keysOf<T extends object>(record: T): (keyof T & string)[] {
  return Object.keys(record) as (keyof T & string)[];
}

export function entriesOf<K extends string, V>(record: Readonly<Partial<Record<K, V>>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}
