/**
 * Vectors that two stored data sets have in common, by content: a hash finds candidates, a comparison of all elements
 * decides. When one set is stored as float16 and the other as float32, both are compared as float16. Zero vectors are
 * not counted: they have no content to share. D vector width.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { withVectors, type Dataset } from '../dataset.ts';
import { floatToHalf } from '../../formats/columns/half.ts';
import { hashIds } from '../measures/passport.ts';

const BLOCK_ROWS = 512;

export type OverlapData = Pick<Dataset, 'D' | 'verified' | 'squares' | 'vectorArticles'>;
type WithReader = Awaited<ReturnType<typeof withVectors<OverlapData>>>;

export interface Overlap {
  /** Distinct vectors of B that A contains too. */
  readonly sharedVectors: number;
  /** Articles of B that hold such a vector; null where B's articles are not known. */
  readonly sharedArticles: number | null;
}

/** `inA[v] = 0` leaves vector v of A out, e.g. those that are not in a training window. */
export async function countOverlap(
  setA: OverlapData,
  setB: OverlapData,
  inA?: Uint8Array,
  signal?: AbortSignal,
): Promise<Overlap> {
  const [a, b] = [await withVectors(setA), await withVectors(setB)];
  const known = b.vectorArticles.some((article) => article !== -1);
  if (a.D !== b.D) return { sharedVectors: 0, sharedArticles: known ? 0 : null };
  const asHalf = a.reader.dtype !== b.reader.dtype;
  const firstOfA = await hashTable(a, asHalf, inA, signal);
  const rowOfA = new Float32Array(a.D);
  const articles = new Set<number>();
  let sharedVectors = 0;
  await eachVector(b, asHalf, signal, (v, words) => {
    const candidates = b.squares[v] === 0 ? undefined : firstOfA.get(hashIds(words, 0, words.length));
    const shared = candidates?.some((id) => {
      a.reader.range(id, 1, rowOfA);
      return sameWords(keyWords(rowOfA, asHalf), words);
    });
    if (!shared) return;
    sharedVectors++;
    if (b.vectorArticles[v] >= 0) articles.add(b.vectorArticles[v]);
  });
  return { sharedVectors, sharedArticles: known ? articles.size : null };
}

async function hashTable(
  a: WithReader,
  asHalf: boolean,
  inA: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<number, number[]>> {
  const table = new Map<number, number[]>();
  await eachVector(a, asHalf, signal, (v, words) => {
    if (a.squares[v] === 0 || inA?.[v] === 0) return;
    const hash = hashIds(words, 0, words.length);
    const there = table.get(hash);
    if (there) there.push(v);
    else table.set(hash, [v]);
  });
  return table;
}

async function eachVector(
  data: WithReader,
  asHalf: boolean,
  signal: AbortSignal | undefined,
  visit: (v: number, words: Uint32Array) => void,
): Promise<void> {
  const { D, reader } = data;
  const block = new Float32Array(BLOCK_ROWS * D);
  for (let first = 0; first < reader.vectors; first += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, reader.vectors - first);
    reader.range(first, rows, block);
    for (let r = 0; r < rows; r++) visit(first + r, keyWords(block.subarray(r * D, (r + 1) * D), asHalf));
    await nextTurn();
    throwIfCancelled(signal, 'Comparing the data sets');
  }
}

/** Bits by which vectors are compared: float32, or their float16 rounding. */
function keyWords(row: Float32Array, asHalf: boolean): Uint32Array {
  const bits = new Uint32Array(row.buffer, row.byteOffset, row.length);
  if (!asHalf) return bits;
  const halves = new Uint16Array(row.length);
  floatToHalf(bits, 0, halves, row.length);
  return Uint32Array.from(halves);
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
