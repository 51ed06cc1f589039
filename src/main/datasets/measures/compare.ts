/**
 * Are two data sets vectors of the same space? Measures mean directions, leading subspaces, nearest neighbours across and
 * within, coherence and what they share, and returns same, shifted or different with the reasons. Works on
 * samples spread evenly over each set, so that a set compared with itself agrees in everything. D vector width.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stream, type Random } from '#engine/random.ts';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { figure } from '#shared/domain/figures.ts';
import type { CompareVerdict, Comparison, Passport } from '#shared/domain/datasets/passport.ts';
import { withVectors, type Dataset } from '../dataset.ts';
import { countOverlap } from '../split/overlap.ts';
import { dot } from './passport.ts';
import { leadingSubspace, subspaceOverlap, unitMean } from './subspace.ts';

export type CompareData = Pick<Dataset, 'D' | 'fileVectors' | 'verified' | 'squares' | 'vectorArticles' | 'meta'>;
type WithReader = Awaited<ReturnType<typeof withVectors<CompareData>>>;

const SUBSPACE_ROWS = 3000;
const SUBSPACE_K = 8;
const QUERIES = 192;
const POOL = 1024;
/** Queries are drawn between the vectors of the pool. */
const QUERY_OFFSET = 0.5;
/** Neighbours nearer than this many ids are of the same passage and do not count. */
const SAME_PASSAGE = 64;

/** Differences above these make two sets of one space `shifted`. */
const SHIFT = { coherence: 0.06, coherenceRatio: 1.2, meanDirection: 0.8, affinity: 0.7, normRatio: 1.1 };
/** Below both, two sets are `different`: neighbours across the sets are no nearer than chance, subspaces unrelated. */
const DIFFERENT = { affinity: 0.3, overlapOverChance: 4 };

interface Nearest {
  readonly across: number;
  readonly withinA: number;
  readonly withinB: number;
  readonly chance: number;
}

/** Throws STORE_DAMAGED where the vectors of a set are not those of its import. */
export async function compareDatasets(setA: CompareData, setB: CompareData, signal?: AbortSignal): Promise<Comparison> {
  const [a, b] = [await withVectors(setA), await withVectors(setB)];
  const [pa, pb] = [a.meta.passport, b.meta.passport];
  const base: Pick<Comparison, 'coherence' | 'rows'> = {
    coherence: [pa.coherence.mean, pb.coherence.mean],
    rows: sideBySide(pa, pb),
  };
  if (a.D !== b.D) {
    const nearest = { across: null, withinA: null, withinB: null, chance: null };
    const measures = { meanDirectionCosine: null, subspaceOverlap: null, subspaceChance: null, nearest };
    const reasons = [`The vectors have different widths (${a.D} and ${b.D}).`];
    return { verdict: 'different', reasons, ...measures, sharedVectors: 0, sharedArticles: null, ...base };
  }
  const X = sample(a, SUBSPACE_ROWS);
  const Y = sample(b, SUBSPACE_ROWS);
  const k = Math.max(1, Math.min(SUBSPACE_K, Math.floor(a.D / 4)));
  const meanDirectionCosine = dotOf(unitMean(X.values, a.D), unitMean(Y.values, a.D));
  const U = await leadingSubspace(X.values, a.D, k, stream(0, 'evaluation'));
  const W = await leadingSubspace(Y.values, a.D, k, stream(0, 'evaluation'));
  const overlap = subspaceOverlap(U, W, a.D);
  const nearest = await nearestNeighbours(a, b, stream(0, 'evaluation', 1), signal);
  const shared = await countOverlap(a, b, undefined, signal);
  const figures = { meanDirectionCosine, overlap, chance: k / a.D, nearest, sharedVectors: shared.sharedVectors };
  const { verdict, reasons } = judge(figures, pa, pb);
  const measures = { meanDirectionCosine, subspaceOverlap: overlap, subspaceChance: k / a.D, nearest };
  return { verdict, reasons, ...measures, ...shared, ...base };
}

interface Sample {
  /** [n, D], unit rows. */
  readonly values: Float32Array;
  readonly ids: Uint32Array;
}

/** `count` distinct non-zero vectors of the file, spread evenly over the whole set from place `offset` (0..1) on, as unit rows. */
function sample(data: WithReader, count: number, offset = 0): Sample {
  const { D, reader, squares, fileVectors } = data;
  const usable = Uint32Array.from({ length: fileVectors }, (_, v) => v).filter((v) => squares[v] > 0);
  const n = Math.min(count, usable.length);
  const ids = Uint32Array.from({ length: n }, (_, i) => usable[Math.floor(((i + offset) * usable.length) / n)]);
  const values = new Float32Array(n * D);
  reader.gather(ids, values);
  for (let i = 0; i < n; i++) {
    const scale = 1 / Math.sqrt(squares[ids[i]]);
    for (let d = i * D; d < (i + 1) * D; d++) values[d] *= scale;
  }
  return { values, ids };
}

/** Mean cosine of sampled vectors to the nearest of a pool, across and within; `chance` scrambles the coordinates. */
async function nearestNeighbours(
  a: WithReader,
  b: WithReader,
  random: Random,
  signal: AbortSignal | undefined,
): Promise<Nearest> {
  const { D } = a;
  const [queriesA, queriesB] = [sample(a, QUERIES, QUERY_OFFSET), sample(b, QUERIES, QUERY_OFFSET)];
  const [poolA, poolB] = [sample(a, POOL), sample(b, POOL)];
  const scrambled = { ids: queriesB.ids, values: scramble(queriesB.values, D, random) };
  const run = async (
    queries: Sample,
    pool: Sample,
    counts: (query: number, other: number) => boolean,
  ): Promise<number> => {
    await nextTurn();
    throwIfCancelled(signal, 'Comparing the data sets');
    return meanNearest(queries, pool, D, counts);
  };
  return {
    across: await run(queriesB, poolA, () => true),
    withinA: await run(queriesA, poolA, fromOtherPassage(a)),
    withinB: await run(queriesB, poolB, fromOtherPassage(b)),
    chance: await run(scrambled, poolA, () => true),
  };
}

/** Vectors of another article, or far away where articles are not known. */
function fromOtherPassage({ vectorArticles }: WithReader): (query: number, other: number) => boolean {
  return (query, other) => {
    const article = vectorArticles[query];
    if (article >= 0 && vectorArticles[other] >= 0) return article !== vectorArticles[other];
    return Math.abs(query - other) > SAME_PASSAGE;
  };
}

async function meanNearest(
  queries: Sample,
  pool: Sample,
  D: number,
  counts: (query: number, other: number) => boolean,
): Promise<number> {
  let sum = 0;
  let found = 0;
  for (let i = 0; i < queries.ids.length; i++) {
    let best = -Infinity;
    for (let j = 0; j < pool.ids.length; j++) {
      if (!counts(queries.ids[i], pool.ids[j])) continue;
      best = Math.max(best, dot(queries.values, i * D, pool.values, j * D, D));
    }
    if (best > -Infinity) {
      sum += best;
      found++;
    }
    if (i % 8 === 7) await nextTurn();
  }
  return found > 0 ? sum / found : 0;
}

/** Permuted coordinates with random signs: simulates a foreign space. */
function scramble(values: Float32Array, D: number, random: Random): Float32Array {
  const order = Uint32Array.from({ length: D }, (_, d) => d);
  random.shuffle(order);
  const signs = Float32Array.from({ length: D }, () => (random.uniform() < 0.5 ? -1 : 1));
  return values.map((_, i) => values[i - (i % D) + order[i % D]] * signs[i % D]);
}

function dotOf(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, d) => sum + x * b[d], 0);
}

interface Figures {
  readonly meanDirectionCosine: number;
  readonly overlap: number;
  readonly chance: number;
  readonly nearest: Nearest;
  readonly sharedVectors: number;
}

function judge(f: Figures, a: Passport, b: Passport): { verdict: CompareVerdict; reasons: string[] } {
  const { across, withinA, withinB, chance } = f.nearest;
  const own = (withinA + withinB) / 2;
  const affinity = own > chance ? Math.max(0, (across - chance) / (own - chance)) : 1;
  const neighbours =
    `nearest neighbours across the sets have cosine ${show(across)}, within them ${show(withinA)} and ${show(withinB)}, ` +
    `scrambled coordinates ${show(chance)}`;
  const overlaps = `the leading subspaces overlap by ${show(f.overlap)} (chance ${show(f.chance)})`;
  const foreign = affinity < DIFFERENT.affinity && f.overlap < f.chance * DIFFERENT.overlapOverChance;
  if (foreign && f.sharedVectors === 0) {
    const mean = `the mean directions have cosine ${show(f.meanDirectionCosine)}`;
    const reasons = [neighbours, overlaps, mean].map(sentence);
    const meaning = 'The sets come from different encoders: a model of one gives cosines near 0 on the other.';
    return { verdict: 'different', reasons: [...reasons, meaning] };
  }
  const shifts = [
    ...(affinity < SHIFT.affinity ? [neighbours] : []),
    ...(f.meanDirectionCosine < SHIFT.meanDirection
      ? [`the mean directions have cosine ${show(f.meanDirectionCosine)}`]
      : []),
    ...coherenceShift(a, b),
    ...normShift(a, b),
  ];
  if (shifts.length > 0) return { verdict: 'shifted', reasons: shifts.map(sentence) };
  return { verdict: 'same', reasons: [neighbours, overlaps].map(sentence) };
}

function coherenceShift(a: Passport, b: Passport): string[] {
  const [x, y] = [a.coherence.mean, b.coherence.mean];
  if (x === null || y === null) return [];
  const apart = Math.abs(x - y);
  const ratio = Math.max(x, y) / Math.max(1e-9, Math.min(x, y));
  if (apart <= SHIFT.coherence || ratio <= SHIFT.coherenceRatio) return [];
  return [
    `neighbours inside an article have mean cosine ${show(x)} in A and ${show(y)} in B, so one is easier to predict`,
  ];
}

function normShift(a: Passport, b: Passport): string[] {
  const [x, y] = [a.norm.mean, b.norm.mean];
  if (!x || !y || Math.max(x, y) / Math.min(x, y) <= SHIFT.normRatio) return [];
  return [`the mean norms are ${show(x)} and ${show(y)}`];
}

function show(x: number): string {
  return figure(x, 3);
}

function sentence(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

function sideBySide(a: Passport, b: Passport): Comparison['rows'] {
  const fields: [string, (p: Passport) => number | null][] = [
    ['rows', (p) => p.rows],
    ['windows', (p) => p.windows],
    ['T', (p) => p.T],
    ['D', (p) => p.D],
    ['articles', (p) => p.articles],
    ['norm.mean', (p) => p.norm.mean],
    ['norm.std', (p) => p.norm.std],
    ['value.mean', (p) => p.value.mean],
    ['value.std', (p) => p.value.std],
    ['zeroRows', (p) => p.zeroRows],
    ['nonUnitRows', (p) => p.nonUnitRows],
    ['duplicates', (p) => p.duplicates],
    ['coherence.mean', (p) => p.coherence.mean],
    ['coherence.p10', (p) => p.coherence.p10],
    ['coherence.p50', (p) => p.coherence.p50],
    ['coherence.p90', (p) => p.coherence.p90],
    ['coherence.shareBelow030', (p) => p.coherence.shareBelow030],
    ['lastPositionToTarget', (p) => p.positionToTarget.at(-1) ?? null],
    ['crossings', (p) => p.crossings],
  ];
  return fields.map(([field, get]) => ({ field, a: get(a), b: get(b) }));
}
