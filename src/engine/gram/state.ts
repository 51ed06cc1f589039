/** What a training has found so far, as named arrays that are never changed, only replaced: safe to store between steps. */

export type GramArray = Float32Array | Float64Array | Uint32Array;

export interface GramState {
  /** Raised when a change of this code changes what the arrays mean. */
  readonly version: 1;
  /** Finished steps. */
  readonly step: number;
  readonly arrays: ReadonlyMap<string, GramArray>;
}

export const INITIAL_STATE: GramState = { version: 1, step: 0, arrays: new Map() };

/** The state after one more step that added `found` and made `dropped` superfluous. */
export function advance(
  state: GramState,
  found: Readonly<Record<string, GramArray>>,
  dropped: readonly string[] = [],
): GramState {
  const arrays = new Map(state.arrays);
  for (const [name, array] of Object.entries(found)) arrays.set(name, array);
  for (const name of dropped) arrays.delete(name);
  return { version: 1, step: state.step + 1, arrays };
}

type ArrayType<A extends GramArray> = abstract new (...args: never[]) => A;

function arrayOf<A extends GramArray>(state: GramState, name: string, type: ArrayType<A>): A {
  const array = state.arrays.get(name);
  if (!(array instanceof type)) {
    throw new Error(`Gram mixture: the stored state has no array "${name}" of the expected type; train anew.`);
  }
  return array;
}

export const floats = (state: GramState, name: string): Float32Array => arrayOf(state, name, Float32Array);
export const doubles = (state: GramState, name: string): Float64Array => arrayOf(state, name, Float64Array);
export const integers = (state: GramState, name: string): Uint32Array => arrayOf(state, name, Uint32Array);
