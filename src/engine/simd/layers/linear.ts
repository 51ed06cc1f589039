/** Linear layer over the three matrix products. Not an object with state: it appends operations to programs. */
import { GemmForward, GemmInput, GemmWeight, WEIGHT_UNIT_BLOCKS } from '../abi/linear.ts';
import { GemmWeightAdamw } from '../abi/optimizer.ts';
import { BLOCK_OUTPUTS, panelCount, panelRow, type Matrix } from '../layout.ts';
import type { ParameterBank, WeightBlocks } from '../parameters.ts';
import type { Program } from '../program.ts';

/** Multiply-adds of one unit: long against the cost of taking a unit, short against a phase. */
const UNIT_WORK = 1_500_000;
/** Panels of one unit: their reduction block (8 KiB a panel) stays near while the weights pass. */
const UNIT_PANELS = 8;
/** Fewer units than this leave threads waiting for the last one: smaller ones are made, down to the panels of a wide tile. */
const MIN_UNITS = 16;
const WIDE_PANELS = 2;
/** Strips of twelve inputs of one unit of the fused update. */
const UPDATE_STRIPS = 64;
/** Inputs of one unit of the input gradient: their part of 192 outputs (18 KiB) and a panel stay in the first-level cache. */
const UNIT_INPUTS = 24;

export interface ForwardOptions {
  readonly bias: boolean;
  /** Also GELU of the output, as panel. */
  readonly gelu?: Matrix;
  /** Also the output as strip8. */
  readonly strip?: Matrix;
}

/** Weights that need not be parameters: the targets play the weights of the InfoNCE products. */
export interface WeightMatrix extends WeightBlocks {
  readonly at: number;
}

/** Whether units of UNIT_PANELS are too few where the other dimension is cut into `pieces`. */
function hasFewUnits(pieces: number, panels: number): boolean {
  return Math.ceil(pieces) * Math.ceil(panels / UNIT_PANELS) < MIN_UNITS;
}

function panelsOfUnit(pieces: number, panels: number): number {
  return Math.min(panels, hasFewUnits(pieces, panels) ? WIDE_PANELS : UNIT_PANELS);
}

interface ForwardProduct extends ForwardOptions {
  readonly weight: WeightMatrix;
  /** Panels. */
  readonly x: Matrix;
  readonly y: Matrix;
  readonly B: number;
}

/** y [outputs] = W·x (+ b), overwriting. */
export function gemmForward(program: Program, label: string, product: ForwardProduct): void {
  const { weight, x, y, B, bias, gelu, strip } = product;
  const panels = panelCount(B);
  const pairs = Math.ceil(weight.blocks / 2);
  const pairWork = 2 * BLOCK_OUTPUTS * weight.inputs * Math.min(panels, UNIT_PANELS) * 8;
  const fullPairs = Math.max(1, Math.min(3, Math.round(UNIT_WORK / pairWork)));
  const unitPairs = hasFewUnits(pairs / fullPairs, panels) ? 1 : fullPairs;
  const unitBlocks = 2 * unitPairs;
  const unitPanels = panelsOfUnit(pairs / unitPairs, panels);
  program.add(label, GemmForward, Math.ceil(weight.blocks / unitBlocks) * Math.ceil(panels / unitPanels), {
    w: weight.at,
    wPitch: weight.pitch,
    K: x.features,
    blocks: weight.blocks,
    x: x.at,
    xPitch: x.pitch,
    panels,
    y: y.at,
    yPitch: y.pitch,
    biasRow: bias ? weight.biasRow : -1,
    h: gelu?.at ?? 0,
    strip: strip?.at ?? 0,
    stripPitch: strip?.pitch ?? 0,
    unitBlocks,
    unitPanels,
  });
}

interface InputProduct {
  readonly weight: WeightMatrix;
  /** Panels. */
  readonly dy: Matrix;
  readonly dx: Matrix;
  readonly B: number;
  /** First (padded) input of the gradient. */
  readonly first?: number;
}

/** dx = Wᵀ·dy for the inputs from `first` on, overwriting. */
export function gemmInput(program: Program, label: string, { weight, dy, dx, B, first = 0 }: InputProduct): void {
  const count = weight.inputs - first;
  const panels = panelCount(B);
  const unitInputs = UNIT_INPUTS;
  const unitPanels = panelsOfUnit(count / unitInputs, panels);
  program.add(label, GemmInput, Math.ceil(count / unitInputs) * Math.ceil(panels / unitPanels), {
    w: weight.at,
    wPitch: weight.pitch,
    blocks: weight.blocks,
    first,
    count,
    y: dy.at,
    yPitch: dy.pitch,
    panels,
    x: dx.at,
    xPitch: dx.pitch,
    unitInputs,
    unitPanels,
  });
}

interface WeightProduct {
  readonly weight: WeightBlocks;
  readonly gradientAt: number;
  /** strip12. */
  readonly x: Matrix;
  /** strip8. */
  readonly dy: Matrix;
  readonly B: number;
  readonly bias: boolean;
}

/** dW = dy·xᵀ over the batch, overwriting. */
function gemmWeight(program: Program, label: string, { weight, gradientAt, x, dy, B, bias }: WeightProduct): void {
  const strips = weight.inputs / BLOCK_OUTPUTS;
  const unitStrips = Math.max(
    1,
    Math.min(strips, Math.round(UNIT_WORK / (WEIGHT_UNIT_BLOCKS * BLOCK_OUTPUTS * BLOCK_OUTPUTS * B))),
  );
  const units = Math.ceil(weight.blocks / WEIGHT_UNIT_BLOCKS) * Math.ceil(strips / unitStrips);
  program.add(label, GemmWeight, units, {
    x: x.at,
    xPitch: x.pitch,
    strips,
    dy: dy.at,
    dyPitch: dy.pitch,
    B,
    dw: gradientAt,
    dwPitch: weight.pitch,
    blocks: weight.blocks,
    biasRow: bias ? weight.biasRow : -1,
    slots: program.takeSlots(units),
    unitStrips,
  });
}

export interface UpdateOptions {
  readonly bias: boolean;
  /** Sum-of-squares slots of the whole gradient. */
  readonly slotsAt: number;
  readonly slots: number;
  readonly hyper: number;
}

/** A Linear whose parameters live in the bank. */
export class Linear {
  private readonly name: string;
  private readonly blocks: WeightBlocks;
  private readonly bank: ParameterBank;

  /** `blocks`: where its parameters are when the bank has them already. */
  constructor(
    bank: ParameterBank,
    name: string,
    segments: readonly number[],
    outputs: number,
    blocks: WeightBlocks = bank.linear(name, segments, outputs),
  ) {
    this.name = name;
    this.bank = bank;
    this.blocks = blocks;
  }

  forward(program: Program, x: Matrix, y: Matrix, B: number, options: ForwardOptions = { bias: true }): void {
    gemmForward(program, `${this.name} forward`, { weight: this.weight, x, y, B, ...options });
  }

  /** Gradient of the inputs from `first` on (all by default). */
  backwardInput(program: Program, dy: Matrix, dx: Matrix, B: number, first = 0): void {
    gemmInput(program, `${this.name} input gradient`, { weight: this.weight, dy, dx, B, first });
  }

  backwardWeight(program: Program, x: Matrix, dy: Matrix, B: number, bias = true): void {
    const gradientAt = this.bank.address('gradients', this.blocks.offset);
    gemmWeight(program, `${this.name} weight gradient`, { weight: this.blocks, gradientAt, x, dy, B, bias });
  }

  /** The weight gradient, clipped by the norm in `slots` and applied at once; see assembly/fused.ts. */
  updateWeight(program: Program, x: Matrix, dy: Matrix, B: number, options: UpdateOptions): void {
    const { blocks, bank } = this;
    const at = bank.address('weights', blocks.offset);
    const strips = blocks.inputs / BLOCK_OUTPUTS;
    const unitStrips = Math.min(strips, UPDATE_STRIPS);
    const units = Math.ceil(blocks.blocks / WEIGHT_UNIT_BLOCKS) * Math.ceil(strips / unitStrips);
    program.add(`${this.name} weight update`, GemmWeightAdamw, units, {
      x: x.at,
      xPitch: x.pitch,
      strips,
      dy: dy.at,
      dyPitch: dy.pitch,
      B,
      w: at,
      wPitch: blocks.pitch,
      blocks: blocks.blocks,
      biasRow: blocks.biasRow,
      withBias: options.bias ? 1 : 0,
      unitStrips,
      toM: bank.address('m') - bank.address('weights'),
      toV: bank.address('v') - bank.address('weights'),
      slots: options.slotsAt,
      slotCount: options.slots,
      hyper: options.hyper,
    });
  }

  private get weight(): WeightMatrix {
    return { ...this.blocks, at: this.bank.address('weights', this.blocks.offset) };
  }
}

/** The part of a panel or strip that starts at padded feature `first` (a multiple of 24). */
export function panelPart(panel: Matrix, first: number, features: number): Matrix {
  return { at: panelRow(panel, first), pitch: panel.pitch, features };
}

export function strip12Part(strip: Matrix, first: number, features: number): Matrix {
  return { at: strip.at + (first / 12) * strip.pitch, pitch: strip.pitch, features };
}
