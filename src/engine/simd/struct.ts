/** Field positions of the classes in abi/, which AssemblyScript lays out as structs in the order of declaration. */

/** Field names in the order of memory. */
export function fieldNames<T extends object>(struct: new () => T): (keyof T & string)[] {
  return Object.keys(new struct()) as (keyof T & string)[];
}

/** Position of each field, in words of the size of one field; the fields of a struct have one size. */
export function fieldIndices<T extends object>(struct: new () => T): Readonly<Record<keyof T, number>> {
  return Object.fromEntries(fieldNames(struct).map((name, i) => [name, i])) as Record<keyof T, number>;
}
