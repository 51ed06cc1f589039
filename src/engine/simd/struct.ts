/** Field positions of the classes in abi/, which AssemblyScript lays out as structs in the order of declaration. */
import { keysOf, recordOf } from '#shared/domain/records.ts';

/** Field names in the order of memory. */
export function fieldNames<T extends object>(struct: new () => T): (keyof T & string)[] {
  return keysOf(new struct());
}

/** Position of each field, in words of the size of one field; the fields of a struct have one size. */
export function fieldIndices<T extends object>(struct: new () => T): Readonly<Record<keyof T & string, number>> {
  return recordOf(fieldNames(struct), (_, i) => i);
}
