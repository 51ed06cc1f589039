/**
 * The two products of a recurrent layer, PyTorch's weight_ih and weight_hh. The input's is one product over all steps, as
 * are both weight gradients; the hidden state's goes step by step. The first hidden state is zero, so its product is the
 * bias alone. I inputs, H hidden features, G = gates·H outputs.
 */
import { BiasGradient, BiasRows } from '../abi/linear.ts';
import { BLOCK_ROW_BYTES, panelCount, type Matrix } from '../layout.ts';
import type { WeightTerm } from '../models/network.ts';
import type { ParameterBank, WeightBlocks } from '../parameters.ts';
import type { Program } from '../program.ts';
import { Linear } from './linear.ts';
import { sequenceRows, stepPanel, stepStrip, type Sequence } from './sequence.ts';

/** Outputs of one unit of the bias gradient. */
const UNIT_OUTPUTS = 24;

export interface RecurrentSizes {
  readonly inputs: number;
  readonly hidden: number;
  readonly gates: number;
  readonly T: number;
}

/** Gradient of gates before activation, of all steps. */
export interface GateGradient {
  readonly panel: Matrix;
  readonly strip: Matrix;
}

export class RecurrentProducts {
  private readonly bank: ParameterBank;
  private readonly name: string;
  private readonly T: number;
  private readonly input: Linear;
  private readonly hidden: Linear;
  private readonly hiddenBlocks: WeightBlocks;

  /** `suffix` is the layer in PyTorch's names, e.g. "l0". */
  constructor(bank: ParameterBank, name: string, suffix: string, { inputs, hidden, gates, T }: RecurrentSizes) {
    const linear = (kind: string, from: number) => {
      const names = { weight: `${name}.weight_${kind}_${suffix}`, bias: `${name}.bias_${kind}_${suffix}` };
      const blocks = bank.linear(names, [from], gates * hidden);
      return { blocks, linear: new Linear(bank, names.weight, [from], gates * hidden, blocks) };
    };
    this.bank = bank;
    this.name = `${name} ${suffix}`;
    this.T = T;
    this.input = linear('ih', inputs).linear;
    const { blocks, linear: ofHidden } = linear('hh', hidden);
    this.hidden = ofHidden;
    this.hiddenBlocks = blocks;
  }

  /** Gates of the input for all steps, and the hidden state's of step 0; ends with a barrier. */
  begin(program: Program, x: Matrix, ofInput: Matrix, ofHidden: Matrix, B: number): void {
    this.input.forward(program, x, ofInput, sequenceRows(this.T, B));
    program.add(`${this.name} first step`, BiasRows, panelCount(B), {
      bias: this.biasAddress('weights'),
      blockPitch: this.hiddenBlocks.pitch,
      N: this.hiddenBlocks.outputs,
      y: ofHidden.at,
      yPitch: ofHidden.pitch,
    });
    program.barrier();
  }

  /** Gates of the hidden state of one step from the state before it; ends with a barrier. */
  step(program: Program, before: Matrix, ofHidden: Matrix, B: number): void {
    this.hidden.forward(program, before, ofHidden, B);
    program.barrier();
  }

  /** Gradient of the state before a step; ends with a barrier. */
  stepBackward(program: Program, gates: Matrix, before: Matrix, B: number): void {
    this.hidden.backwardInput(program, gates, before, B);
    program.barrier();
  }

  /** Gradient of the input of all steps; ends with a barrier. */
  inputGradient(program: Program, gates: Matrix, dx: Matrix, B: number): void {
    this.input.backwardInput(program, gates, dx, sequenceRows(this.T, B));
    program.barrier();
  }

  /** The bias of the hidden product over all steps; its weight sees only those with a state before them. */
  biasGradient(program: Program, { strip }: GateGradient, B: number): void {
    const units = Math.ceil(this.hiddenBlocks.outputs / UNIT_OUTPUTS);
    program.add(`${this.name} hidden bias gradient`, BiasGradient, units, {
      dy: strip.at,
      dyPitch: strip.pitch,
      rows: sequenceRows(this.T, B),
      dbias: this.biasAddress('gradients'),
      blockPitch: this.hiddenBlocks.pitch,
      N: this.hiddenBlocks.outputs,
      slots: program.takeSlots(units),
    });
  }

  weightTerms(x: Sequence, h: Sequence, ofInput: GateGradient, ofHidden: GateGradient, B: number): WeightTerm[] {
    const input: WeightTerm = {
      linear: this.input,
      inputs: [x.panel],
      inputStrip: x.strip,
      gradient: ofInput.panel,
      gradientStrip: ofInput.strip,
      bias: true,
      rows: sequenceRows(this.T, B),
    };
    if (this.T === 1) return [input];
    const hidden: WeightTerm = {
      linear: this.hidden,
      inputs: [h.panel],
      inputStrip: h.strip,
      gradient: stepPanel(ofHidden.panel, 1, B),
      gradientStrip: stepStrip(ofHidden.strip, 8, 1, B),
      bias: false,
      rows: sequenceRows(this.T - 1, B),
    };
    return [input, hidden];
  }

  private biasAddress(bank: 'weights' | 'gradients'): number {
    return this.bank.address(bank, this.hiddenBlocks.offset) + this.hiddenBlocks.biasRow * BLOCK_ROW_BYTES;
  }
}
