/** Statistics of many windows, block by block; plain or turned by one random isometry an article. */
import type { Random } from '../random.ts';
import type { WindowSource } from '../types.ts';
import type { GramConfig } from './config.ts';
import { eachBlock, type Progress } from './fit.ts';
import { turnAtRandom } from './parts/isometry.ts';
import { BLOCK_WINDOWS } from './memory.ts';
import type { PartsComputer, Statistics } from './parts/parts.ts';
import { floats, type GramArray, type GramState } from './state.ts';

/** Statistics as arrays of a state. */
export function statisticsArrays(set: string, { gram, target }: Statistics): Record<string, GramArray> {
  return { [`${set}.gram`]: gram, [`${set}.target`]: target };
}

/** Those of a state, of K parts. */
export function storedStatistics(state: GramState, set: string, K: number): Statistics {
  const target = floats(state, `${set}.target`);
  return { gram: floats(state, `${set}.gram`), target, count: target.length / K };
}

export function joinStatistics(pieces: readonly Statistics[]): Statistics {
  return {
    gram: joined(pieces.map(({ gram }) => gram)),
    target: joined(pieces.map(({ target }) => target)),
    count: pieces.reduce((sum, { count }) => sum + count, 0),
  };
}

function joined(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

/** Statistics of windows as they are. */
export async function plainStatistics(
  parts: PartsComputer,
  source: WindowSource,
  ids: Uint32Array,
  progress?: Progress,
): Promise<Statistics> {
  const pieces: Statistics[] = [];
  await eachBlock(source, ids, async (windows) => void pieces.push(await parts.statistics(windows)), progress);
  return joinStatistics(pieces);
}

export interface TurnInput {
  readonly source: WindowSource;
  /** Window ids, those of an article next to each other, and the article of each. */
  readonly ids: Uint32Array;
  readonly articles: Uint32Array;
  /** Windows whose first context vectors span the reflections. */
  readonly pool: Uint32Array;
  /** Mean target of the windows the parts were fitted on. [D] */
  readonly mean: Float32Array;
}

/** Statistics of windows turned by one isometry an article. */
export async function turnedStatistics(
  parts: PartsComputer,
  input: TurnInput,
  random: Random,
  progress: Progress = () => {},
): Promise<Statistics> {
  const { T, D } = input.source;
  const { contexts, targets } = turnedWindows(input, random);
  const pieces: Statistics[] = [];
  const total = input.ids.length;
  for (let from = 0; from < total; from += BLOCK_WINDOWS) {
    const to = Math.min(from + BLOCK_WINDOWS, total);
    const windows = {
      contexts: contexts.subarray(from * T * D, to * T * D),
      targets: targets.subarray(from * D, to * D),
      count: to - from,
    };
    pieces.push(await parts.statistics(windows));
    await progress(to / total);
  }
  return joinStatistics(pieces);
}

/** Contexts [n, T, D] and targets [n, D], each article turned by an isometry of its own. */
function turnedWindows({ source, ids, articles, pool, mean }: TurnInput, random: Random) {
  const { T, D } = source;
  const contexts = new Float32Array(ids.length * T * D);
  const targets = new Float32Array(ids.length * D);
  source.gather(ids, contexts, targets);
  const oneContext = new Float32Array(T * D);
  const oneTarget = new Float32Array(D);
  const draw = () => {
    source.gather(Uint32Array.of(pool[random.integer(pool.length)]), oneContext, oneTarget);
    return oneContext.slice(0, D);
  };
  for (let from = 0, to = 0; from < ids.length; from = to) {
    while (to < ids.length && articles[to] === articles[from]) to++;
    const vectors = [contexts.subarray(from * T * D, to * T * D), targets.subarray(from * D, to * D)];
    turnAtRandom(vectors, mean, random, draw);
  }
  return { contexts, targets };
}

/** Most of a cluster's windows that are turned in one round. */
const MAX_TURNED_SHARE = 0.75;
/** Each round adds to the time of the fit. With fewer than 1,500 training windows the gates get fewer than on large sets. */
const MAX_ROUNDS = 8;

/**
 * Shares of each cluster's windows that train the gates of a set with `windows` training windows: `plain`, as they are, and
 * `turned`, by round. A set with fewer windows than `plainWindows` makes up for them with more rounds of turned copies: with
 * too few windows the gates rely on parts that hold in the training domain only.
 */
export function gateShares(
  { plainWindows, turnedWindows }: Pick<GramConfig, 'plainWindows' | 'turnedWindows'>,
  windows: number,
): { plain: number; turned: number[] } {
  const plain = Math.min(1, plainWindows / windows);
  const turned: number[] = [];
  let rest = turnedWindows === 0 ? 0 : (turnedWindows + Math.max(0, plainWindows - windows)) / windows;
  while (rest > 0 && turned.length < MAX_ROUNDS) {
    turned.push(Math.min(MAX_TURNED_SHARE, rest));
    rest -= MAX_TURNED_SHARE;
  }
  return { plain, turned };
}

/** `count` of `ids` without replacement, in their order. */
export function sampleOf(places: Uint32Array, count: number, random: Random): Uint32Array {
  const shuffled = places.slice();
  random.shuffle(shuffled);
  return shuffled.subarray(0, count).toSorted();
}
