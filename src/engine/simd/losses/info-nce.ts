/** InfoNCE's own operations: the products P·T̂ᵀ, their cross entropies and the gradient on the unit prediction P [B][D]. */
import type { InfoNceMode } from '../../losses/info-nce.ts';
import { InfoNceColumns, InfoNceGradient, InfoNceRows } from '../abi/losses.ts';
import type { BatchInput } from '../input.ts';
import { gemmForward, gemmInput } from '../layers/linear.ts';
import { panelCount, roundUp, type Arena, type Matrix } from '../layout.ts';
import type { Program } from '../program.ts';

/** Columns of one unit of `InfoNceColumns`. */
const UNIT_COLUMNS = 16;

export interface InfoNceAddresses {
  readonly rowResults: number;
  readonly hyper: number;
}

export class InfoNce {
  /** Gradient on the unit prediction, panel; written in mode "gradient". */
  readonly dunit: Matrix;
  private readonly input: BatchInput;
  private readonly addresses: InfoNceAddresses;
  private readonly products: Matrix;
  private readonly rowLogSumExp: number;
  private readonly columnLogSumExp: number;

  constructor(arena: Arena, input: BatchInput, maxB: number, addresses: InfoNceAddresses) {
    this.input = input;
    this.addresses = addresses;
    this.dunit = arena.panel(input.D, maxB);
    this.products = arena.panel(maxB, maxB);
    this.rowLogSumExp = arena.floats(roundUp(maxB, 8));
    this.columnLogSumExp = arena.floats(maxB);
  }

  /** `unit`: the unit prediction as panel. No barrier. */
  emitProducts(program: Program, unit: Matrix, B: number): void {
    const weight = this.input.targetWeights(B);
    gemmForward(program, 'InfoNCE products', { weight, x: unit, y: this.products, B, bias: false });
  }

  /** Begins with a barrier after `emitProducts`; ends without. */
  emitRest(program: Program, B: number, mode: Exclude<InfoNceMode, 'none'>): void {
    const { rowLogSumExp, columnLogSumExp } = this;
    const { hyper, rowResults } = this.addresses;
    const panels = panelCount(B);
    const products = { products: this.products.at, pitch: this.products.pitch, B, hyper };
    program.barrier();
    program.add('InfoNCE rows', InfoNceRows, panels, { ...products, rowResults, rowLogSumExp });
    program.add('InfoNCE columns', InfoNceColumns, Math.ceil(B / UNIT_COLUMNS), {
      ...products,
      rowResults,
      columnLogSumExp,
      unitColumns: UNIT_COLUMNS,
    });
    if (mode === 'value') return;
    program.barrier();
    program.add('InfoNCE gradient', InfoNceGradient, panels, { ...products, rowLogSumExp, columnLogSumExp });
    program.barrier();
    const weight = this.input.targetWeights(B);
    gemmInput(program, 'InfoNCE input gradient', { weight, dy: this.products, dx: this.dunit, B });
  }
}
