/**
 * Trains a Gram mixture in steps. Between two steps the state is plain arrays: stored after a step and given back later it
 * leads to the same bits as without the interruption, on any number of threads.
 *
 *   clusters    groups of similar training articles
 *   positions   w and the mean targets
 *   ridges      the maps with each cluster held out in turn, and with none
 *   cross-fit   one step a cluster: statistics of its windows under parts fitted on the others, which train the gates
 *   final fit   statistics of validation and OOD windows under parts fitted on everything
 *   gates       one step an epoch
 */
import { listParts, type GramSpec, type Part } from '#shared/domain/models/gram.ts';
import { stream } from '../random.ts';
import type { SimdRuntime } from '../simd/runtime/runtime.ts';
import { clusterArticles } from './parts/clusters.ts';
import type { GramConfig } from './config.ts';
import { addAllKeys, fitPositions, fitRidges, pieceOf, splitMaps, type Progress } from './fit.ts';
import { coefficientsOf, fitGateInput, meanCosine, type GateInput } from './gate/gate.ts';
import type { GateState } from './gate/gate-optimizer.ts';
import { gateArrays, initialGates, storedGates, trainEpoch } from './gate/gate-trainer.ts';
import { FoldExtras } from './parts/extras.ts';
import { Folds } from './gate/folds.ts';
import { GramMemory, gramShape } from './memory.ts';
import { proveDevice } from './device-proof.ts';
import { GramModel } from './model.ts';
import { PartsComputer, type PartsModel, type Statistics } from './parts/parts.ts';
import { advance, doubles, floats, INITIAL_STATE, integers, type GramState } from './state.ts';
import {
  gateShares,
  joinStatistics,
  plainStatistics,
  sampleOf,
  statisticsArrays,
  storedStatistics,
  turnedStatistics,
  type TurnInput,
} from './statistics.ts';
import type { GramData, GramEpoch, GramOptions, GramStage } from './types.ts';

/** a₀ of the start ridge. */
const START_RIDGE_SHARE = 0.5;

export class GramTrainer {
  readonly parts: readonly Part[];
  private readonly memory: GramMemory;
  private readonly data: GramData;
  private readonly config: GramConfig;
  private readonly seed: number;
  private readonly computer: PartsComputer;
  private readonly extras: FoldExtras;
  private current: GramState;
  /** The fold whose parts are in the computer; undefined: none yet. */
  private loaded: number | undefined;
  private knownFolds: Folds | undefined;

  private constructor(runtime: SimdRuntime, memory: GramMemory, options: GramOptions, parts: readonly Part[]) {
    const { data, config, seed, state } = options;
    this.memory = memory;
    this.data = data;
    this.config = config;
    this.seed = seed;
    this.parts = parts;
    this.current = state ?? INITIAL_STATE;
    this.extras = new FoldExtras(runtime, data);
    this.computer = new PartsComputer(memory, config, parts, this.extras.predictions);
  }

  static async create(runtime: SimdRuntime, options: GramOptions): Promise<GramTrainer> {
    const { data, config, openDevice } = options;
    const { T, D } = data.source;
    const extras = (data.extras ?? []).map(({ spec }) => spec);
    const parts = listParts({ ...config, extras }, T);
    const shape = gramShape(config, { T, D, K: parts.length, windows: data.train.length });
    const memory = await GramMemory.open(runtime, shape, openDevice);
    if (memory.device) await proveDevice(memory, memory.device, data);
    return new GramTrainer(runtime, memory, options, parts);
  }

  /** To store between steps. */
  get state(): GramState {
    return this.current;
  }

  get stage(): GramStage {
    const { step } = this.current;
    if (step < 3) return (['clusters', 'positions', 'ridges'] as const)[step];
    if (step < 3 + this.folds.clusters) return 'cross-fit';
    return step === 3 + this.folds.clusters ? 'final fit' : 'gates';
  }

  /** Where the fit is, for people: the gates are one stage. */
  get place(): { name: string; index: number; count: number } {
    const clusters = this.current.step === 0 ? this.config.clusters : this.folds.clusters;
    const { step } = this.current;
    const name = this.stage === 'cross-fit' ? `cross-fit ${step - 2} of ${clusters}` : this.stage;
    return { name, index: Math.min(step, 4 + clusters), count: 5 + clusters };
  }

  /** Windows that train the gates. */
  get gateRows(): number {
    return this.storedStatistics('gateData').count;
  }

  get isDone(): boolean {
    return this.current.step > 0 && this.current.step === 4 + this.folds.clusters + this.config.gate.epochs;
  }

  /** Epochs of the gates so far. */
  get epochs(): GramEpoch[] {
    if (!this.current.arrays.has('epochs')) return [];
    const values = doubles(this.current, 'epochs');
    return Array.from({ length: values.length / 3 }, (_, epoch) => {
      const [loss, validationCosine, oodCosine] = values.subarray(3 * epoch, 3 * epoch + 3);
      return { loss, validationCosine, oodCosine };
    });
  }

  /** The next step. `progress` may throw to stop; the state then stays that of the step before. */
  async step(progress: Progress = () => {}): Promise<void> {
    switch (this.stage) {
      case 'clusters':
        return this.findClusters(progress);
      case 'positions':
        return this.findPositions(progress);
      case 'ridges':
        return this.findRidges(progress);
      case 'cross-fit':
        return this.crossFit(this.current.step - 3, progress);
      case 'final fit':
        return this.measureFinal(progress);
      case 'gates':
        return this.trainGates(progress);
    }
  }

  private async findClusters(progress: Progress): Promise<void> {
    const { source, train: ids, articles } = this.data;
    const clusters = clusterArticles({ source, ids, articles }, this.config.clusters, stream(this.seed, 'clusters'));
    await progress(1);
    this.current = advance(this.current, { clusters });
  }

  private async findPositions(progress: Progress): Promise<void> {
    const { weights, means } = await fitPositions(this.memory, this.data.source, this.folds.ids, progress);
    this.current = advance(this.current, { positionWeights: weights, means });
  }

  private async findRidges(progress: Progress): Promise<void> {
    const input = {
      source: this.data.source,
      clusters: this.folds.ids,
      weights: floats(this.current, 'positionWeights'),
    };
    const maps = await fitRidges(this.memory, input, this.config, progress);
    this.current = advance(this.current, Object.fromEntries(maps.map((map, fold) => [`maps.${fold}`, map])));
  }

  /** Statistics of windows of one cluster, plain and turned, under parts that have not seen their articles. */
  private async crossFit(cluster: number, progress: Progress): Promise<void> {
    const { config, folds, data } = this;
    const { source, train } = data;
    await this.load(cluster, pieceOf(progress, 0, 3));
    const inside = folds.places[cluster];
    const random = stream(this.seed, 'sample', cluster);
    const shares = gateShares(config, train.length);
    const sample = (share: number) => sampleOf(inside, Math.max(1, Math.floor(inside.length * share)), random);
    const plain = folds.idsAt(sample(shares.plain));
    const pieces = [await plainStatistics(this.computer, source, plain, pieceOf(progress, 1, 3))];
    const isometries = stream(this.seed, 'isometry', cluster);
    for (const [round, share] of shares.turned.entries()) {
      const input = this.turnInput(sample(share), cluster);
      const part = pieceOf(pieceOf(progress, 2, 3), round, shares.turned.length);
      pieces.push(await turnedStatistics(this.computer, input, isometries, part));
    }
    if (cluster > 0) pieces.unshift(this.storedStatistics('gateData'));
    this.current = advance(this.current, statisticsArrays('gateData', joinStatistics(pieces)), [`maps.${cluster}`]);
  }

  /** Windows at `places` with those of an article next to each other. */
  private turnInput(places: Uint32Array, cluster: number): TurnInput {
    const { source, articles } = this.data;
    const sorted = places.toSorted((a, b) => articles[a] - articles[b] || a - b);
    return {
      source,
      ids: this.folds.idsAt(sorted),
      articles: sorted.map((place) => articles[place]),
      pool: this.folds.idsAt(this.folds.places[cluster]),
      mean: this.meanOf(cluster),
    };
  }

  private async measureFinal(progress: Progress): Promise<void> {
    const { source, validation, ood } = this.data;
    await this.load(this.folds.whole, pieceOf(progress, 0, 3));
    const found = statisticsArrays(
      'validation',
      await plainStatistics(this.computer, source, validation, pieceOf(progress, 1, 3)),
    );
    if (ood) {
      const statistics = await plainStatistics(this.computer, ood.source, ood.ids, pieceOf(progress, 2, 3));
      Object.assign(found, statisticsArrays('ood', statistics));
    }
    this.current = advance(this.current, found);
  }

  private async trainGates(progress: Progress): Promise<void> {
    const { config, seed } = this;
    const epoch = this.epochs.length;
    const gates =
      epoch === 0 ? initialGates(this.parts.length, config.gate, seed) : storedGates(this.current, config.gate);
    const input = this.gateInput();
    const statistics = this.storedStatistics('gateData');
    const loss = await trainEpoch(gates, { statistics, input }, config.gate, { seed, epoch }, progress);
    const measured = [loss, this.cosineOf('validation', input, gates), this.cosineOf('ood', input, gates)];
    const before = epoch === 0 ? [] : doubles(this.current, 'epochs');
    const epochs = Float64Array.of(...before, ...measured);
    this.current = advance(this.current, { epochs, ...gateArrays(gates) });
  }

  private cosineOf(set: string, input: GateInput, gates: readonly GateState[]): number {
    if (!this.current.arrays.has(`${set}.gram`)) return Number.NaN;
    const statistics = this.storedStatistics(set);
    const parameters = gates.map((gate) => gate.parameters);
    return meanCosine(statistics, coefficientsOf(statistics, input, parameters, this.config.gate.hidden));
  }

  /** Standardisation from the gates' data; a₀ = w on the context, ½ on the start ridge. */
  private gateInput(): GateInput {
    const start = new Float32Array(this.parts.length);
    start.set(floats(this.current, 'positionWeights'));
    const { ridges, startRidge } = this.config;
    const at = this.parts.findIndex(({ kind, index }) => kind === 'ridge' && ridges[index] === startRidge);
    if (at >= 0) start[at] = START_RIDGE_SHARE;
    return fitGateInput(this.storedStatistics('gateData'), this.parts.length, start);
  }

  private storedStatistics(set: string): Statistics {
    return storedStatistics(this.current, set, this.parts.length);
  }

  private meanOf(fold: number): Float32Array {
    const { D } = this.data.source;
    return floats(this.current, 'means').subarray(fold * D, (fold + 1) * D);
  }

  private partsOf(fold: number): PartsModel {
    return {
      positionWeights: floats(this.current, 'positionWeights'),
      mean: this.meanOf(fold),
      ...splitMaps(floats(this.current, `maps.${fold}`), this.config, this.data.source.D),
    };
  }

  /** Brings the parts of a fold into the computer, with their keys; trained models are trained without its cluster. */
  private async load(fold: number, progress: Progress): Promise<void> {
    const { config, data } = this;
    this.computer.use(this.partsOf(fold));
    this.loaded = fold;
    const train = this.folds.fittedOn(fold);
    const pieces = 1 + this.extras.parts.length;
    await addAllKeys(this.computer, data.source, train, config, pieceOf(progress, 0, pieces));
    if (fold === this.folds.whole) return this.extras.openAll();
    await this.extras.trainAll(train, (fraction) => progress((1 + fraction * (pieces - 1)) / pieces));
  }

  /** The trained mixture; it works in this trainer's memory and with its threads. */
  async model(): Promise<GramModel> {
    if (!this.isDone) throw new Error(`Gram mixture: the training stopped in stage "${this.stage}"; let it end first.`);
    if (this.loaded !== this.folds.whole) await this.load(this.folds.whole, () => {});
    this.computer.leaveDevice();
    const parts = this.partsOf(this.folds.whole);
    const gates = storedGates(this.current, this.config.gate).map(({ parameters }) => parameters);
    const extras = this.extras.parts.map(({ parameters }) => parameters);
    const fitted = { spec: this.spec, parts, gateInput: this.gateInput(), gates, extras };
    return new GramModel(fitted, this.parts, this.computer);
  }

  get spec(): GramSpec {
    const { ridges, startRidge, pooledRidges, filters, neighbours, gate } = this.config;
    const { T, D, maxKeys: keys } = this.memory.shape;
    const mixture = { ridges, startRidge, pooledRidges, filters, neighbours };
    const { specs: extras } = this.extras;
    return { type: 'gram', T, D, hiddenDim: gate.hidden, gates: gate.gates, keys, ...mixture, extras };
  }

  async dispose(): Promise<void> {
    this.extras.dispose();
    await this.memory.dispose();
  }

  private get folds(): Folds {
    this.knownFolds ??= new Folds(this.data.train, integers(this.current, 'clusters'));
    return this.knownFolds;
  }
}
