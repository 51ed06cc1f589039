/** Mean and standard deviation of a figure over several runs, such as the seeds of one recipe. */

export interface Spread {
  readonly n: number;
  readonly mean: number;
  /** Sample standard deviation; null for one value. */
  readonly std: number | null;
}

/** null where a value is missing or there is none. */
export function spread(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n: known.length, mean, std: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : null };
}
