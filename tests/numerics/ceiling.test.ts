/** The ceiling of a set: a gate measured on articles it was not trained on, and position weights fitted on the set. */
import { beforeAll, expect, test } from 'vitest';
import type { CeilingCosines } from '#engine/evaluation/intervals.ts';
import { measureCeiling } from '#engine/gram/ceiling.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import type { EngineHost, WindowSource } from '#engine/types.ts';
import { SMALL_CONFIG, smallGramData } from '../support/gram.ts';
import { simdHost } from '../support/simd-host.ts';

const WINDOWS_EACH = 40;
const TRAINED = 12 * WINDOWS_EACH;
const { source } = smallGramData(20, WINDOWS_EACH);
const all = Uint32Array.from({ length: source.windows }, (_, id) => id);
const articleOf = all.map((id) => Math.floor(id / WINDOWS_EACH));
const ids = all.subarray(TRAINED);
let host: EngineHost;

beforeAll(async () => {
  host = await simdHost();
});

async function ceilingOf(of: WindowSource, threads = 2, on = ids): Promise<CeilingCosines> {
  const runtime = await createRuntime({ host, threads });
  const train = { source: of, ids: all.subarray(0, TRAINED) };
  return measureCeiling(runtime, { train, on: { source: of, ids: on, articleOf }, seed: 7, config: SMALL_CONFIG });
}

/** The source with the target of one window turned round. */
function withOtherTarget(window: number): WindowSource {
  const { D } = source;
  return {
    ...source,
    gather(wanted, contexts, targets) {
      source.gather(wanted, contexts, targets);
      wanted.forEach((id, row) => {
        if (id !== window) return;
        for (let d = row * D; d < (row + 1) * D; d++) targets[d] = -targets[d];
      });
    },
  };
}

test('the target of a window moves the gate of the other half only', async () => {
  const before = await ceilingOf(source);
  const after = await ceilingOf(withOtherTarget(TRAINED));
  expect(before.rows).toEqual(Uint32Array.from(ids.keys()));
  const moved = new Set(
    Array.from(
      before.rows.filter((row) => before.gate[row] !== after.gate[row]),
      (row) => articleOf[ids[row]],
    ),
  );
  // Of the window's own half only the window itself moved; of the other half, all articles did.
  const sameArticle = before.rows.filter((row) => row > 0 && articleOf[ids[row]] === articleOf[TRAINED]);
  for (const row of sameArticle) expect(after.gate[row]).toBe(before.gate[row]);
  expect(moved.size).toBe(1 + 4);
});

test('position weights are the least-squares solution on the set itself', async () => {
  const { weights, positions } = await ceilingOf(source);
  const { T, D } = source;
  const contexts = new Float32Array(ids.length * T * D);
  const targets = new Float32Array(ids.length * D);
  source.gather(ids, contexts, targets);
  // Normal equations of unit vectors: the residual is orthogonal to every position.
  const unit = (rows: Float32Array, at: number) => {
    const row = rows.subarray(at * D, (at + 1) * D);
    const norm = Math.hypot(...row);
    return Array.from(row, (x) => x / norm);
  };
  const residual = new Float64Array(T);
  const cosines = new Float64Array(ids.length);
  for (let n = 0; n < ids.length; n++) {
    const xs = Array.from({ length: T }, (_, t) => unit(contexts, n * T + t));
    const y = unit(targets, n);
    const p = y.map((_, d) => xs.reduce((sum, x, t) => sum + weights[t] * x[d], 0));
    xs.forEach((x, t) => (residual[t] += x.reduce((sum, value, d) => sum + value * (y[d] - p[d]), 0)));
    cosines[n] = p.reduce((sum, value, d) => sum + value * y[d], 0) / Math.hypot(...p);
  }
  for (const value of residual) expect(Math.abs(value) / ids.length).toBeLessThan(1e-5);
  positions.forEach((cosine, n) => expect(cosine).toBeCloseTo(cosines[n], 5));
});

test('the same bits on any number of threads', async () => {
  const [one, two] = [await ceilingOf(source, 1), await ceilingOf(source, 2)];
  expect(one.gate).toEqual(two.gate);
  expect(one.positions).toEqual(two.positions);
});

test('a set of one article has no other half', async () => {
  const article = ids.filter((id) => articleOf[id] === 12);
  await expect(ceilingOf(source, 1, article)).rejects.toThrow('at least two articles');
});
