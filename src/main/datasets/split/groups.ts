/**
 * Groups of windows that a split must keep together. With known articles a group is an article. Without, windows that share vectors
 * are found by union-find; a component larger than `maxGroup` (one long chain over many unknown articles) is put in the
 * order of its chain, where each window continues the one before, and cut into stretches.
 * N windows, T context length, V distinct vectors.
 */
import { hashIds } from '../measures/passport.ts';

export interface WindowGroups {
  /** Group of each window. */
  readonly groups: Int32Array;
  readonly count: number;
  /** Groups that are stretches of a longer chain: neighbouring ones share vectors at the cut. */
  readonly cuts: number;
}

export function groupBySharedVectors(index: Uint32Array, T: number, V: number, maxGroup: number): WindowGroups {
  const width = T + 1;
  const N = index.length / width;
  const roots = unionWindows(index, width, V);
  const sizes = new Map<number, number>();
  for (const root of roots) sizes.set(root, (sizes.get(root) ?? 0) + 1);
  const groups = new Int32Array(N).fill(-1);
  const groupOfRoot = new Map<number, number>();
  let count = 0;
  for (let w = 0; w < N; w++) {
    if ((sizes.get(roots[w]) ?? 0) > maxGroup) continue;
    let group = groupOfRoot.get(roots[w]);
    if (group === undefined) groupOfRoot.set(roots[w], (group = count++));
    groups[w] = group;
  }
  const long = chainOrder(index, T, groups);
  const stretch = Math.max(1, Math.floor(maxGroup / 2));
  const cuts = Math.max(0, Math.ceil(long.length / stretch) - 1);
  for (let i = 0; i < long.length; i++) groups[long[i]] = count + Math.floor(i / stretch);
  return { groups, count: count + (long.length > 0 ? cuts + 1 : 0), cuts };
}

/** Union-find over windows, joined through the first window that held a vector. Returns the root of each window. */
function unionWindows(index: Uint32Array, width: number, V: number): Uint32Array {
  const N = index.length / width;
  const parent = Uint32Array.from({ length: N }, (_, w) => w);
  const find = (w: number): number => {
    let root = w;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]];
    return root;
  };
  const firstWindow = new Int32Array(V).fill(-1);
  for (let i = 0; i < index.length; i++) {
    const w = Math.floor(i / width);
    const before = firstWindow[index[i]];
    if (before < 0) firstWindow[index[i]] = w;
    else parent[find(w)] = find(before);
  }
  return parent.map((_, w) => find(w));
}

/** Windows without a group in chain order: each is followed by the window that starts one vector later, if there is one. */
function chainOrder(index: Uint32Array, T: number, groups: Int32Array): Uint32Array {
  const width = T + 1;
  const heads = new Map<number, number>();
  const open: number[] = [];
  for (let w = 0; w < groups.length; w++) {
    if (groups[w] >= 0) continue;
    open.push(w);
    heads.set(hashIds(index, w * width, T), w);
  }
  const next = (w: number): number | undefined => heads.get(hashIds(index, w * width + 1, T));
  const continued = new Set(open.map(next));
  const seen = new Uint8Array(groups.length);
  const order: number[] = [];
  for (const start of [...open.filter((w) => !continued.has(w)), ...open]) {
    for (let w: number | undefined = start; w !== undefined && seen[w] === 0; w = next(w)) {
      seen[w] = 1;
      order.push(w);
    }
  }
  return Uint32Array.from(order);
}
