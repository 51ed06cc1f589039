/** The loss head: from the model's output to values, gradient norms and the gradient on raw. Formulas: losses/reference.ts. */
import { TERMS, TERM_COUNT, isTermDefined, type LossConfig } from '#shared/domain/terms.ts';
import {
  HYPER_LAMBDA,
  HYPER_MARGIN_ANTI_COPY,
  HYPER_MARGIN_DIRECTIONAL,
  HYPER_TAU,
  HYPER_VARIANCE_TARGET,
  OP_BATCH_STATS,
  OP_INFO_NCE_COLUMNS,
  OP_INFO_NCE_GRADIENT,
  OP_INFO_NCE_ROWS,
  OP_LOSS_ROWS,
  OP_OUTPUT,
  ROW_ANTI_COPY,
  ROW_COLUMN_CROSS_ENTROPY,
  ROW_COSINE,
  ROW_CROSS_ENTROPY,
  ROW_DIRECTIONAL,
  ROW_NORM2_ANTI_COPY,
  ROW_NORM2_DIRECTIONAL,
  ROW_NORM2_INFO_NCE,
  ROW_NORM2_VARIANCE,
  ROW_SQUARED_ERROR,
  ROW_WORDS,
  STATS_BLOCK,
  STATS_HINGE,
  STATS_MEAN2,
  STATS_MOMENT_GRADIENT2,
  STATS_SIGMA2,
  STATS_WORDS,
} from './opcodes.ts';
import { DOUBLE_BYTES, paddedFeatures, panelCount, roundUp, type Arena, type Matrix } from './layout.ts';
import type { BatchInput } from './input.ts';
import { gemmForward, gemmInput } from './layers/linear.ts';
import type { Program } from './program.ts';

/** With λ = 0, InfoNCE is measured on every n-th step only: its product costs B·D multiply-adds a row. */
export const IDLE_INFO_NCE_INTERVAL = 8;
const UNIT_COLUMNS = 16;

/** Which parts of InfoNCE a program holds. */
export type InfoNceMode = 'gradient' | 'value' | 'none';

export interface LossResults {
  readonly total: number;
  readonly values: Float64Array;
  readonly gradNorms: Float64Array;
  readonly cosine: number;
}

export class LossHead {
  /** Gradient of the total loss on raw, as panel and strip8. */
  readonly draw: Matrix;
  readonly drawStrip: Matrix;
  /** Model output [B][L]. */
  readonly raw: Matrix;
  private readonly input: BatchInput;
  private readonly hyper: number;
  private readonly unit: Matrix;
  private readonly unitPanel: Matrix;
  private readonly dunit: Matrix;
  private readonly products: Matrix;
  private readonly inverse: number;
  private readonly cosines: number;
  private readonly rowLse: number;
  private readonly columnLse: number;
  /** A, C, μ, V, μp of the batch statistics, each [L]. */
  private readonly perDimension: readonly number[];
  private readonly rowResults: number;
  private readonly statsResults: number;

  constructor(arena: Arena, input: BatchInput, hyper: number, maxB: number) {
    const { D, T } = input;
    this.input = input;
    this.hyper = hyper;
    this.raw = arena.rows(D, maxB);
    this.unit = arena.rows(D, maxB);
    this.unitPanel = arena.panel(D, maxB);
    this.dunit = arena.panel(D, maxB);
    this.products = arena.panel(maxB, maxB);
    this.draw = arena.panel(D, maxB);
    this.drawStrip = arena.strip8(D, maxB);
    this.inverse = arena.floats(maxB);
    this.cosines = arena.floats(maxB * T);
    this.rowLse = arena.floats(roundUp(maxB, 8));
    this.columnLse = arena.floats(maxB);
    this.perDimension = Array.from({ length: 5 }, () => arena.floats(paddedFeatures(D)));
    this.rowResults = arena.bytes(maxB * ROW_WORDS * DOUBLE_BYTES);
    this.statsResults = arena.bytes(this.statsUnits * STATS_WORDS * DOUBLE_BYTES);
  }

  /** raw = output panel + base rows; no losses. */
  forwardOnly(program: Program, output: Matrix, base: Matrix | undefined, B: number): void {
    program.add('output', OP_OUTPUT, panelCount(B), [
      output.at,
      output.pitch,
      base?.at ?? 0,
      this.raw.at,
      this.raw.pitch,
      B,
      0,
    ]);
  }

  forwardBackward(
    program: Program,
    output: Matrix,
    base: Matrix | undefined,
    slot: number,
    B: number,
    infoNce: InfoNceMode,
  ): void {
    const { input } = this;
    const panels = panelCount(B);
    program.add('output and cosines', OP_OUTPUT, panels, [
      output.at,
      output.pitch,
      base?.at ?? 0,
      this.raw.at,
      this.raw.pitch,
      B,
      1,
      input.targets[slot].at,
      input.unitTargets.at,
      input.contexts[slot].at,
      input.T,
      input.inverseNorms,
      this.unit.at,
      this.unitPanel.at,
      this.unitPanel.pitch,
      this.inverse,
      this.cosines,
      this.rowResults,
      this.hyper,
    ]);
    program.barrier();
    // First what has the longest units; the others fill the rest.
    if (infoNce !== 'none') this.emitProducts(program, B);
    this.emitStats(program, slot, B);
    if (infoNce !== 'none') this.emitInfoNce(program, B, infoNce);
    program.barrier();
    this.emitRows(program, slot, B, infoNce === 'gradient');
    program.barrier();
  }

  writeHyper(hyper: Float32Array, loss: LossConfig): void {
    TERMS.forEach((term, k) => (hyper[HYPER_LAMBDA + k] = loss.weights[term]));
    hyper[HYPER_TAU] = loss.tau;
    hyper[HYPER_MARGIN_DIRECTIONAL] = loss.marginDirectional;
    hyper[HYPER_MARGIN_ANTI_COPY] = loss.marginAntiCopy;
    hyper[HYPER_VARIANCE_TARGET] = loss.varianceTarget;
  }

  /** Sums what the kernels left per row and per block of dimensions, in order. */
  results(memory: Float64Array, loss: LossConfig, B: number, infoNce: InfoNceMode): LossResults {
    const { D, T } = this.input;
    const rows = sumColumns(memory, this.rowResults, B, ROW_WORDS);
    const stats = sumColumns(memory, this.statsResults, this.statsUnits, STATS_WORDS);
    const measured = infoNce === 'none' ? Number.NaN : 1;
    const values = Float64Array.of(
      rows[ROW_SQUARED_ERROR] / (B * D),
      (measured * (rows[ROW_CROSS_ENTROPY] + rows[ROW_COLUMN_CROSS_ENTROPY])) / B,
      (stats[STATS_MEAN2] + stats[STATS_SIGMA2]) / D,
      stats[STATS_HINGE] / D,
      rows[ROW_DIRECTIONAL] / B,
      rows[ROW_ANTI_COPY] / (B * T),
    );
    const norms = [
      (2 * Math.sqrt(rows[ROW_SQUARED_ERROR])) / (B * D),
      Math.sqrt(rows[ROW_NORM2_INFO_NCE]),
      (2 / D) * Math.sqrt(stats[STATS_MOMENT_GRADIENT2]),
      Math.sqrt(rows[ROW_NORM2_VARIANCE]),
      Math.sqrt(rows[ROW_NORM2_DIRECTIONAL]),
      Math.sqrt(rows[ROW_NORM2_ANTI_COPY]),
    ];
    const gradNorms = new Float64Array(TERM_COUNT);
    let total = 0;
    TERMS.forEach((term, k) => {
      const lambda = loss.weights[term];
      if (!isTermDefined(term, B, T)) {
        gradNorms[k] = Number.NaN;
        return;
      }
      if (lambda === 0) return;
      total += lambda * values[k];
      gradNorms[k] = Math.abs(lambda) * norms[k];
    });
    return { total, values, gradNorms, cosine: rows[ROW_COSINE] / B };
  }

  private get statsUnits(): number {
    return Math.ceil(paddedFeatures(this.input.D) / STATS_BLOCK);
  }

  private emitStats(program: Program, slot: number, B: number): void {
    program.add('batch statistics', OP_BATCH_STATS, this.statsUnits, [
      this.raw.at,
      this.input.targets[slot].at,
      this.unit.at,
      this.raw.pitch,
      B,
      this.input.D,
      ...this.perDimension,
      this.statsResults,
      this.hyper,
    ]);
  }

  private emitProducts(program: Program, B: number): void {
    const weight = this.input.targetWeights(B);
    gemmForward(program, 'InfoNCE products', weight, this.unitPanel, this.products, B, { bias: false });
  }

  private emitInfoNce(program: Program, B: number, mode: InfoNceMode): void {
    const panels = panelCount(B);
    const { at, pitch } = this.products;
    program.barrier();
    program.add('InfoNCE rows', OP_INFO_NCE_ROWS, panels, [at, pitch, B, this.rowLse, this.rowResults, this.hyper]);
    program.add('InfoNCE columns', OP_INFO_NCE_COLUMNS, Math.ceil(B / UNIT_COLUMNS), [
      at,
      pitch,
      B,
      this.columnLse,
      this.rowResults,
      this.hyper,
      UNIT_COLUMNS,
    ]);
    if (mode === 'value') return;
    program.barrier();
    program.add('InfoNCE gradient', OP_INFO_NCE_GRADIENT, panels, [
      at,
      pitch,
      B,
      this.rowLse,
      this.columnLse,
      this.hyper,
    ]);
    program.barrier();
    gemmInput(program, 'InfoNCE input gradient', this.input.targetWeights(B), this.products, this.dunit, B);
  }

  private emitRows(program: Program, slot: number, B: number, infoNce: boolean): void {
    const { input } = this;
    program.add('loss gradient', OP_LOSS_ROWS, panelCount(B), [
      infoNce ? this.dunit.at : 0,
      this.dunit.pitch,
      this.raw.at,
      input.targets[slot].at,
      input.unitTargets.at,
      input.contexts[slot].at,
      input.T,
      input.inverseNorms,
      this.unit.at,
      this.inverse,
      this.cosines,
      ...this.perDimension,
      this.rowResults,
      this.hyper,
      this.raw.pitch,
      B,
      input.D,
      this.draw.at,
      this.draw.pitch,
      this.drawStrip.at,
      this.drawStrip.pitch,
    ]);
  }
}

/** Sums of `words` columns over `rows` rows from byte `at` on. */
function sumColumns(memory: Float64Array, at: number, rows: number, words: number): Float64Array {
  const sums = new Float64Array(words);
  let from = at / DOUBLE_BYTES;
  for (let row = 0; row < rows; row++, from += words) {
    for (let k = 0; k < words; k++) sums[k] += memory[from + k];
  }
  return sums;
}
