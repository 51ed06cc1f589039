/** The loss head: from the model's output to values, gradient norms and the gradient on raw. Formulas: tests/reference/losses.ts. */
import { TERMS, type LossConfig, type Term } from '#shared/domain/models/terms.ts';
import { recordOf } from '#shared/domain/records.ts';
import type { InfoNceMode } from '../../losses/info-nce.ts';
import { lossResults, type LossResults } from '../../losses/terms.ts';
import {
  BatchStatistics,
  Coefficients,
  DimensionResults,
  Lambdas,
  LossGradient,
  Output,
  RowResults,
  STATISTICS_BLOCK,
} from '../abi/losses.ts';
import { HYPER } from '../hyper.ts';
import { DOUBLE_BYTES, paddedFeatures, panelCount, type Arena, type Matrix } from '../layout.ts';
import type { BatchInput } from '../input.ts';
import type { Program } from '../program.ts';
import { fieldIndices, fieldNames } from '../struct.ts';
import { InfoNce } from './info-nce.ts';

/** Position of λ of each term in the hyperparameters; the compiler requires a field of `Lambdas` for every term. */
const LAMBDA: Readonly<Record<Term, number>> = fieldIndices(Lambdas);

/** Output of the network for the batch in input slot `slot`: `base` rows, if any, are added to it. */
export interface BatchOutput {
  readonly output: Matrix;
  readonly base: Matrix | undefined;
  readonly slot: number;
  readonly B: number;
}

export class LossHead {
  /** Gradient of the total loss on raw, as panel and strip8. */
  readonly draw: Matrix;
  readonly drawStrip: Matrix;
  /** Model output [B][L]. */
  readonly raw: Matrix;
  private readonly input: BatchInput;
  private readonly infoNce: InfoNce;
  private readonly unit: Matrix;
  private readonly unitPanel: Matrix;
  /** Addresses that several operations share, by the name of the argument. */
  private readonly shared: { inverseNorms: number; contextCosines: number; rowResults: number; hyper: number };
  /** Rows [L]. */
  private readonly coefficients: Record<keyof Coefficients, number>;
  private readonly dimensionResults: number;

  constructor(arena: Arena, input: BatchInput, hyper: number, maxB: number) {
    const { D, T } = input;
    this.input = input;
    this.raw = arena.rows(D, maxB);
    this.unit = arena.rows(D, maxB);
    this.unitPanel = arena.panel(D, maxB);
    this.draw = arena.panel(D, maxB);
    this.drawStrip = arena.strip8(D, maxB);
    this.shared = {
      inverseNorms: arena.floats(maxB),
      contextCosines: arena.floats(maxB * T),
      rowResults: arena.bytes(maxB * fieldNames(RowResults).length * DOUBLE_BYTES),
      hyper,
    };
    this.coefficients = recordOf(fieldNames(Coefficients), () => arena.floats(paddedFeatures(D)));
    this.dimensionResults = arena.bytes(this.statisticsUnits * fieldNames(DimensionResults).length * DOUBLE_BYTES);
    this.infoNce = new InfoNce(arena, input, maxB, this.shared);
  }

  /** raw = output panel + base rows + shift of the inputs; no losses. */
  forwardOnly(program: Program, output: Matrix, base: Matrix | undefined, B: number): void {
    program.add('output', Output, panelCount(B), {
      ...this.outputArguments(output, base, 0, B),
      withLosses: 0,
    });
  }

  forwardBackward(program: Program, batch: BatchOutput, infoNce: InfoNceMode): void {
    const { output, base, slot, B } = batch;
    program.add('output and cosines', Output, panelCount(B), {
      ...this.outputArguments(output, base, slot, B),
      withLosses: 1,
    });
    program.barrier();
    // First what has the longest units; the others fill the rest.
    if (infoNce !== 'none') this.infoNce.emitProducts(program, this.unitPanel, B);
    this.emitStatistics(program, slot, B);
    if (infoNce !== 'none') this.infoNce.emitRest(program, B, infoNce);
    program.barrier();
    this.emitGradient(program, slot, B, infoNce === 'gradient');
    program.barrier();
  }

  writeHyper(hyper: Float32Array, loss: LossConfig): void {
    for (const term of TERMS) hyper[LAMBDA[term]] = loss.weights[term];
    hyper[HYPER.tau] = loss.tau;
    hyper[HYPER.marginDirectional] = loss.marginDirectional;
    hyper[HYPER.marginAntiCopy] = loss.marginAntiCopy;
    hyper[HYPER.varianceTarget] = loss.varianceTarget;
  }

  /** Of the last batch. */
  results(memory: Float64Array, loss: LossConfig, B: number, infoNce: InfoNceMode): LossResults {
    const { D, T } = this.input;
    const rows = sumFields(memory, this.shared.rowResults, RowResults, B);
    const dimensions = sumFields(memory, this.dimensionResults, DimensionResults, this.statisticsUnits);
    return lossResults({ rows, dimensions, B, T, D }, loss, infoNce);
  }

  private get statisticsUnits(): number {
    return Math.ceil(paddedFeatures(this.input.D) / STATISTICS_BLOCK);
  }

  /** Arguments that `Output` and `LossGradient` share. */
  private commonArguments(slot: number, B: number) {
    const { input } = this;
    return {
      ...this.shared,
      raw: this.raw.at,
      rowBytes: this.raw.pitch,
      B,
      targets: input.targets[slot].at,
      unitTargets: input.unitTargets.at,
      contexts: input.contexts[slot].at,
      T: input.T,
      inverseContextNorms: input.inverseNorms,
      unit: this.unit.at,
    };
  }

  private outputArguments(output: Matrix, base: Matrix | undefined, slot: number, B: number) {
    return {
      ...this.commonArguments(slot, B),
      output: output.at,
      outputPitch: output.pitch,
      base: base?.at ?? 0,
      shift: this.input.shift?.rows.at ?? 0,
      unitPanel: this.unitPanel.at,
      unitPitch: this.unitPanel.pitch,
    };
  }

  private emitStatistics(program: Program, slot: number, B: number): void {
    program.add('batch statistics', BatchStatistics, this.statisticsUnits, {
      ...this.coefficients,
      raw: this.raw.at,
      targets: this.input.targets[slot].at,
      unit: this.unit.at,
      rowBytes: this.raw.pitch,
      B,
      D: this.input.D,
      dimensionResults: this.dimensionResults,
      hyper: this.shared.hyper,
    });
  }

  private emitGradient(program: Program, slot: number, B: number, withInfoNce: boolean): void {
    const { dunit } = this.infoNce;
    program.add('loss gradient', LossGradient, panelCount(B), {
      ...this.commonArguments(slot, B),
      ...this.coefficients,
      dunit: withInfoNce ? dunit.at : 0,
      dunitPitch: dunit.pitch,
      D: this.input.D,
      draw: this.draw.at,
      drawPitch: this.draw.pitch,
      drawStrip: this.drawStrip.at,
      drawStripPitch: this.drawStrip.pitch,
    });
  }
}

/** Sum of each float64 field over `count` structs from byte `at` on, in order. */
function sumFields<T extends object>(
  memory: Float64Array,
  at: number,
  struct: new () => T,
  count: number,
): Record<keyof T & string, number> {
  const names = fieldNames(struct);
  const sums = new Float64Array(names.length);
  let from = at / DOUBLE_BYTES;
  for (let i = 0; i < count; i++, from += names.length) {
    for (let k = 0; k < names.length; k++) sums[k] += memory[from + k];
  }
  return recordOf(names, (_, k) => sums[k]);
}
