/**
 * The loss head: from the model's output to values, gradient norms and the gradient on raw. Formulas:
 * tests/reference/losses.ts.
 */
import type { LossConfig } from '#shared/domain/models/terms.ts';
import { recordOf } from '#shared/domain/records.ts';
import type { InfoNceMode } from '../../losses/info-nce.ts';
import { COEFFICIENTS, DIMENSION_FIELDS, ROW_FIELDS, lossResults, type LossResults } from '../../losses/terms.ts';
import type { Memory, Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { addBatchStatistics } from './batch-statistics.ts';
import { addFigures } from './figures.ts';
import { addLossGradient } from './gradient.ts';
import { addInfoNce } from './info-nce.ts';
import {
  DIMENSION_VECTORS,
  FIELD_COUNT,
  FIGURE_COUNT,
  columnGroups,
  figureOf,
  type LossSizes,
  type LossTensors,
} from './layout.ts';
import { addRowValues } from './row-values.ts';

/** The batch that the losses compare with. */
export interface LossInput extends LossSizes {
  /** [maxB][T][D], as stored: not shifted. */
  readonly contexts: Tensor;
  /** [maxB][D] */
  readonly targets: Tensor;
}

export class LossHead {
  /** Model output [maxB][D], written by the network. */
  readonly raw: Tensor;
  /** Gradient of the total loss on raw [maxB][D]. */
  readonly draw: Tensor;
  /** What `results` reads: sums over the batch. */
  readonly figures: Tensor;
  private readonly sizes: LossSizes;
  private readonly tensors: LossTensors;

  constructor(memory: Memory, { T, D, maxB, contexts, targets }: LossInput) {
    this.sizes = { T, D, maxB };
    this.raw = memory.tensor('raw', maxB * D);
    this.draw = memory.tensor('draw', maxB * D);
    this.figures = memory.tensor('loss figures', FIGURE_COUNT);
    this.tensors = {
      raw: this.raw,
      targets,
      contexts,
      rows: memory.tensor('losses of rows', FIELD_COUNT * maxB),
      positions: memory.tensor('context cosines', 2 * maxB * T),
      coefficients: memory.tensor('loss coefficients', COEFFICIENTS.length * D),
      dimensions: memory.tensor('losses of dimensions', columnGroups(D) * 4 * DIMENSION_VECTORS),
      products: memory.tensor('InfoNCE products', maxB * maxB),
      dunit: memory.tensor('InfoNCE input gradient', maxB * D),
      draw: this.draw,
      figures: this.figures,
    };
  }

  /** From raw to figures and draw. */
  forwardBackward(program: Program, infoNce: InfoNceMode): void {
    const { tensors, sizes } = this;
    addRowValues(program, tensors, sizes);
    if (infoNce !== 'none') addInfoNce(program, tensors, sizes, infoNce);
    addBatchStatistics(program, tensors, sizes);
    addLossGradient(program, tensors, sizes, infoNce === 'gradient');
    addFigures(program, tensors, sizes);
  }

  /** `figures`: what the tensor of that name held after a batch of B rows. A raw value that is not finite makes the total NaN. */
  results(figures: Float32Array, loss: LossConfig, B: number, infoNce: InfoNceMode): LossResults {
    const { T, D } = this.sizes;
    const rows = named(figures, ROW_FIELDS);
    const dimensions = named(figures, DIMENSION_FIELDS);
    const results = lossResults({ rows, dimensions, B, T, D }, loss, infoNce);
    return figures[figureOf('nonFinite')] === 0 ? results : { ...results, total: Number.NaN };
  }
}

function named<Name extends Parameters<typeof figureOf>[0]>(
  figures: Float32Array,
  names: readonly Name[],
): Record<Name, number> {
  return recordOf(names, (name) => figures[figureOf(name)]);
}
