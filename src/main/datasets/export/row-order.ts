/** The order of rows that gives an exported set the content hash of its import. M chunks. */

/**
 * An import numbers vectors and articles as they first appear, so they must appear by their numbers. `ids`, `articles` [M]:
 * vector and article of each chunk in reading order. null: the reading order is such an order. It exists, since the rows
 * that were imported had one: each chunk stands where the vectors and articles it needs before it have appeared.
 */
export function exportOrder(ids: Uint32Array, articles: Int32Array): Uint32Array | null {
  if (appearInOrder(ids) && appearInOrder(articles)) return null;
  // Vectors up to this number have appeared before an article can begin.
  const begins = new Uint32Array(articles.reduce((most, article) => Math.max(most, article), 0) + 1).fill(0xffffffff);
  for (const [i, article] of articles.entries()) begins[article] = Math.min(begins[article], ids[i]);
  for (let a = 1; a < begins.length; a++) begins[a] = Math.max(begins[a], begins[a - 1]);
  const step = ids.map((id, i) => Math.max(id, begins[articles[i]]));
  const bringsVector = (i: number): number => (ids[i] === step[i] ? 0 : 1);
  const order = Uint32Array.from({ length: ids.length }, (_, i) => i);
  return order.toSorted(
    (a, b) => step[a] - step[b] || articles[a] - articles[b] || bringsVector(a) - bringsVector(b) || a - b,
  );
}

function appearInOrder(numbers: Uint32Array | Int32Array): boolean {
  let next = 0;
  for (const number of numbers) {
    if (number > next) return false;
    if (number === next) next++;
  }
  return true;
}
