/**
 * What can be had on a set of windows from parts fitted on other windows: the mixture with a gate trained on one half of the
 * set's own articles and measured on the other half, both ways, and position weights fitted on all of the set. Neither is a
 * baseline: both have seen targets of the set.
 * K parts, M = K(K + 1)/2, T context length, n windows.
 */
import { listParts } from '#shared/domain/models/gram.ts';
import { groupWindows } from '../evaluation/bootstrap.ts';
import type { CeilingCosines } from '../evaluation/intervals.ts';
import { evenlySpread, type Split } from '../evaluation/windows.ts';
import { stream } from '../random.ts';
import type { SimdRuntime } from '../simd/runtime/runtime.ts';
import { DEFAULT_GRAM_CONFIG, type GateConfig, type GramConfig } from './config.ts';
import { addAllKeys, fitParts, pieceOf, solvePositions, type Progress } from './fit.ts';
import { coefficientsOf, cosinesOf, diagonalIndex, fitGateInput } from './gate/gate.ts';
import { initialGates, trainEpoch } from './gate/gate-trainer.ts';
import { GramMemory, gramShape } from './memory.ts';
import { PartsComputer, type Statistics } from './parts/parts.ts';
import { plainStatistics } from './statistics.ts';

/** Windows of the set that are used, evenly spread. */
const MOST_WINDOWS = 20_000;
/** Batches of an epoch that a small half is still cut into: a gate of the preset sees about as many. */
const LEAST_BATCHES = 10;

export interface CeilingInput {
  /** Windows that the parts are fitted on. */
  readonly train: Split;
  /** Windows to measure; none of `train`. */
  readonly on: Split;
  readonly seed: number;
  readonly config?: GramConfig;
}

/** Rows measured are all of the set's, or evenly spread ones. Throws a RangeError where the set has a single article. */
export async function measureCeiling(
  runtime: SimdRuntime,
  { train, on, seed, config = DEFAULT_GRAM_CONFIG }: CeilingInput,
  progress: Progress = () => {},
): Promise<CeilingCosines> {
  const rows = evenlySpread({ ...on, ids: Uint32Array.from(on.ids.keys()) }, MOST_WINDOWS).ids;
  const set = { ...on, ids: rows.map((row) => on.ids[row]) };
  const halves = halvesOf(set, seed);
  const { T, D } = train.source;
  const parts = listParts({ ...config, extras: [] }, T);
  const shape = gramShape(config, { T, D, K: parts.length, windows: train.ids.length });
  const memory = await GramMemory.open(runtime, shape);
  try {
    const model = await fitParts(memory, train.source, train.ids, config, pieceOf(progress, 0, 4));
    const computer = new PartsComputer(memory, config, parts);
    computer.use(model);
    await addAllKeys(computer, train.source, train.ids, config, pieceOf(progress, 1, 4));
    const statistics = await plainStatistics(computer, set.source, set.ids, pieceOf(progress, 2, 4));
    const gate = new Float64Array(set.ids.length);
    for (const [h, half] of halves.entries()) {
      const trained = { statistics: rowsOf(statistics, half, parts.length), positionWeights: model.positionWeights };
      const other = halves[1 - h];
      const seen = rowsOf(statistics, other, parts.length);
      const cosines = await gateCosines(trained, seen, { gate: config.gate, seed }, pieceOf(progress, 6 + h, 8));
      other.forEach((row, i) => (gate[row] = cosines[i]));
    }
    const weights = positionWeights(statistics, T, parts.length);
    return { rows, positions: positionCosines(statistics, weights, parts.length), gate, weights };
  } finally {
    await memory.dispose();
  }
}

/** Rows of the split in two halves of whole articles, drawn with the seed; of blocks, the earlier and the later ones. */
function halvesOf({ ids, source, articleOf }: Split, seed: number): [Uint32Array, Uint32Array] {
  const groups = groupWindows(ids, source.T, articleOf);
  const count = groups.windows.length;
  if (count < 2) throw new RangeError('A ceiling needs windows of at least two articles.');
  const order = Uint32Array.from({ length: count }, (_, group) => group);
  if (groups.unit === 'articles') stream(seed, 'split').shuffle(order);
  const inFirst = new Uint8Array(count);
  for (const group of order.subarray(0, Math.ceil(count / 2))) inFirst[group] = 1;
  const rows = Uint32Array.from(ids.keys());
  return [rows.filter((row) => inFirst[groups.of[row]] === 1), rows.filter((row) => inFirst[groups.of[row]] === 0)];
}

function rowsOf({ gram, target }: Statistics, rows: Uint32Array, K: number): Statistics {
  const M = (K * (K + 1)) / 2;
  const of = (values: Float32Array, width: number) => {
    const taken = new Float32Array(rows.length * width);
    rows.forEach((row, i) => taken.set(values.subarray(row * width, (row + 1) * width), i * width));
    return taken;
  };
  return { gram: of(gram, M), target: of(target, K), count: rows.length };
}

interface GateData {
  readonly statistics: Statistics;
  /** w of the skip, where the gate starts. [T] */
  readonly positionWeights: Float32Array;
}

/** Trains gates on one half; cosines of the rows of the other. */
async function gateCosines(
  { statistics, positionWeights: w }: GateData,
  other: Statistics,
  { gate, seed }: { readonly gate: GateConfig; readonly seed: number },
  progress: Progress,
): Promise<Float64Array> {
  const K = statistics.target.length / statistics.count;
  const start = new Float32Array(K);
  start.set(w);
  const input = fitGateInput(statistics, K, start);
  const batch = Math.max(1, Math.min(gate.batch, Math.floor(statistics.count / LEAST_BATCHES)));
  const gates = initialGates(K, gate, seed);
  for (let epoch = 0; epoch < gate.epochs; epoch++) {
    const at = pieceOf(progress, epoch, gate.epochs);
    await trainEpoch(gates, { statistics, input }, { ...gate, batch }, { seed, epoch }, at);
  }
  const parameters = gates.map((state) => state.parameters);
  return cosinesOf(other, coefficientsOf(other, input, parameters, gate.hidden));
}

/** argmin_w Σ‖y − Σ_t w_t·x_t‖² from the products of the first T parts, the context vectors. */
function positionWeights({ gram, target, count }: Statistics, T: number, K: number): Float32Array {
  const M = (K * (K + 1)) / 2;
  const products = new Float64Array(((T + 1) * (T + 2)) / 2);
  for (let row = 0; row < count; row++) {
    for (let s = 0, i = 0; s < T; s++) {
      const from = row * M + diagonalIndex(K, s);
      for (let t = s; t < T; t++) products[i++] += gram[from + t - s];
      products[i++] += target[row * K + s];
    }
  }
  return solvePositions(products, T);
}

function positionCosines(statistics: Statistics, weights: Float32Array, K: number): Float64Array {
  const coefficients = new Float32Array(statistics.count * K);
  for (let row = 0; row < statistics.count; row++) coefficients.set(weights, row * K);
  return cosinesOf(statistics, coefficients);
}
